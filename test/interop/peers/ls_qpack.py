"""ls-qpack (pylsqpack) as an encoder and a decoder that a test talks to: a line of JSON in, a line of JSON out.

Byte strings are hexadecimal. Each answer is {"error": NAME} where ls-qpack raises.

    {"op": "settings", "capacity": N, "blocked": N}   both halves anew    {"instructions"}
    {"op": "encode", "stream": N, "fields": [[NAME, VALUE], ...]}         {"instructions", "section"}
    {"op": "feedback", "bytes": HEX}                  to the encoder      {}
    {"op": "instructions", "bytes": HEX}              to the decoder      {"unblocked": [{"stream", "fields", "feedback"}]}
    {"op": "decode", "stream": N, "section": HEX}                         {"fields", "feedback"} or {"blocked": true}
    {"op": "cancel", "stream": N}                                         {"feedback"}
"""

import json
import sys

import pylsqpack


class Peer:
    encoder: pylsqpack.Encoder
    decoder: pylsqpack.Decoder

    def settings(self, capacity, blocked):
        self.encoder = pylsqpack.Encoder()
        self.decoder = pylsqpack.Decoder(capacity, blocked)
        return {"instructions": self.encoder.apply_settings(capacity, blocked).hex()}

    def encode(self, stream, fields):
        headers = [(bytes.fromhex(name), bytes.fromhex(value)) for name, value in fields]
        instructions, section = self.encoder.encode(stream, headers)
        return {"instructions": instructions.hex(), "section": section.hex()}

    def feedback(self, bytes_):
        self.encoder.feed_decoder(bytes_)
        return {}

    def instructions(self, bytes_):
        streams = self.decoder.feed_encoder(bytes_)
        return {"unblocked": [{"stream": stream, **self.result(*self.decoder.resume_header(stream))} for stream in streams]}

    def decode(self, stream, section):
        try:
            return self.result(*self.decoder.feed_header(stream, bytes.fromhex(section)))
        except pylsqpack.StreamBlocked:
            return {"blocked": True}

    def cancel(self, stream):
        return {"feedback": self.decoder.cancel_stream(stream).hex()}

    @staticmethod
    def result(feedback, headers):
        return {"fields": [[name.hex(), value.hex()] for name, value in headers], "feedback": feedback.hex()}


peer = Peer()
for line in sys.stdin:
    request = json.loads(line)
    operation = request.pop("op")
    if "bytes" in request:
        request["bytes_"] = bytes.fromhex(request.pop("bytes"))
    try:
        answer = getattr(peer, operation)(**request)
    except (pylsqpack.DecompressionFailed, pylsqpack.DecoderStreamError, pylsqpack.EncoderStreamError) as error:
        answer = {"error": type(error).__name__}
    print(json.dumps(answer), flush=True)

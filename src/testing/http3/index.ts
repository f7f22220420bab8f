export { RAW_FRAME, RAW_STREAM, rawBytes, type RawFields, rawHttp3, rawQpack, rawVarint } from './bytes.js';
export { rawErrorName } from './codes.js';
export { type RawConnectionEnd, RawHttp3Peer, type RawHttp3PeerOptions } from './peer.js';
export { type RawFrame, RawHttp3Stream, type RawMessage, type RawStreamEnd } from './stream.js';

//! Streams and datagrams sent to be echoed over `skein-echo`.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use ring::rand::{SecureRandom, SystemRandom};
use serde_json::{Value, json};

use crate::report::{Failure, emit, sha256};
use crate::work::{Exchange, Job, Session};

const DATAGRAM_WINDOW: usize = 16;
const DATAGRAM_PATIENCE: Duration = Duration::from_millis(500);

impl Session {
    pub async fn echo(self: Arc<Self>, job: Job) -> Result<Value, Failure> {
        let mut bodies = Vec::new();
        for _ in 0..if job.echo > 0 { job.streams } else { 0 } {
            bodies.push(Exchange { body: random(job.echo)?, path: None });
        }
        let echoed = bodies.len();
        self.exchange_all(bodies, |session, exchange, answer| {
            session.compare("echo", answer.bytes, vec![sha256(&exchange.body)], vec![answer.sha256])
        })
        .await?;
        let mut unidirectional = 0;
        if job.uni > 0 {
            unidirectional = self.unidirectional(job.uni, job.streams).await?;
        }
        let mut datagrams = json!({"sent": 0, "returned": 0});
        if job.datagrams > 0 {
            datagrams = self.datagrams(job.datagrams).await?;
        }
        Ok(json!({"echoed": echoed, "unidirectional": unidirectional, "datagrams": datagrams}))
    }

    async fn unidirectional(&self, size: usize, streams: usize) -> Result<usize, Failure> {
        let (mut sent, mut returned, mut bytes) = (Vec::new(), Vec::new(), 0);
        for _ in 0..streams {
            let body = random(size)?;
            sent.push(sha256(&body));
            let mut stream = self.connection.open_uni().await?;
            stream.write_all(&body).await?;
            stream.finish()?;
        }
        for _ in 0..streams {
            let body = self.connection.accept_uni().await?.read_to_end(size + 1).await?;
            bytes += body.len() as u64;
            returned.push(sha256(&body));
        }
        self.compare("unidirectional", bytes, sent, returned)?;
        Ok(streams)
    }

    fn compare(
        &self,
        event: &str,
        bytes: u64,
        mut sent: Vec<String>,
        mut returned: Vec<String>,
    ) -> Result<(), Failure> {
        sent.sort();
        returned.sort();
        let matches = sent == returned;
        emit(json!({
            "event": event, "connection": self.number, "bytes": bytes, "match": matches,
        }));
        match matches {
            true => Ok(()),
            false => Err(Failure(format!("{event}: the bytes that came back are not those that were sent"))),
        }
    }

    /// Keep a few datagrams on their way at a time; those that do not come back are given up together.
    async fn datagrams(&self, count: u32) -> Result<Value, Failure> {
        let (mut sent, mut returned) = (HashSet::new(), HashSet::new());
        let mut awaited: usize = 0;
        for number in 0..count {
            let mut body = number.to_be_bytes().to_vec();
            body.resize(self.args.datagram_size.max(body.len()), b'd');
            let body = Bytes::from(body);
            self.connection.send_datagram_wait(body.clone()).await?;
            sent.insert(body);
            awaited += 1;
            if awaited >= DATAGRAM_WINDOW {
                let arrived = self.datagram().await?;
                awaited = if arrived.is_some() { awaited - 1 } else { 0 };
                returned.extend(arrived);
            }
        }
        while returned != sent {
            match self.datagram().await? {
                Some(datagram) => returned.insert(datagram),
                None => break,
            };
        }
        let foreign = returned.difference(&sent).count();
        let returned = returned.len() - foreign;
        let counts = json!({"sent": count, "returned": returned});
        emit(json!({
            "event": "datagrams", "connection": self.number, "sent": count, "returned": returned,
            "foreign": foreign,
        }));
        let least = self.args.datagrams_min.unwrap_or(count as usize);
        if returned < least || foreign > 0 {
            return Err(Failure(format!(
                "{returned} of {count} datagrams came back unharmed, at least {least} wanted"
            )));
        }
        Ok(counts)
    }

    async fn datagram(&self) -> Result<Option<Bytes>, Failure> {
        let received = self.connection.read_datagram();
        match tokio::time::timeout(DATAGRAM_PATIENCE, received).await {
            Ok(datagram) => Ok(Some(datagram?)),
            Err(_) => Ok(None),
        }
    }
}

fn random(size: usize) -> Result<Bytes, Failure> {
    let mut body = vec![0; size];
    SystemRandom::new().fill(&mut body).map_err(|_| Failure("no random bytes".into()))?;
    Ok(body.into())
}

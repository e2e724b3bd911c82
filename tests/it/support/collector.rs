//! A double of an OpenTelemetry collector: it takes traces by OTLP over HTTP, and reads them by the published schema
//! (opentelemetry-proto 1.x), not by the service's code. A test can also make it behave as a broken one.

use std::collections::{BTreeMap, HashMap};
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CollectorFault {
    None,
    /// 503.
    Overloaded,
    /// 401.
    Refuses,
    /// Exports come in and are not answered.
    Hangs,
    /// Connections end without an answer.
    HangsUp,
}

/// A span as it arrived; ids are in hex.
#[derive(Clone, Debug, Default)]
pub struct CollectedSpan {
    pub name: String,
    /// 1 internal, 2 server, 3 client.
    pub kind: u64,
    pub trace_id: String,
    pub span_id: String,
    /// Empty for a root.
    pub parent: String,
    pub trace_state: String,
    pub started_at: u64,
    pub ended_at: u64,
    pub attributes: BTreeMap<String, String>,
    pub failed: bool,
    pub flags: u64,
}

/// One export.
#[derive(Clone, Debug)]
pub struct Export {
    pub path: String,
    pub headers: HashMap<String, String>,
    pub body: Vec<u8>,
}

struct State {
    fault: CollectorFault,
    exports: Vec<Export>,
    /// Exports that were not answered well.
    refused: usize,
}

type Shared = Arc<(Mutex<State>, Condvar)>;

/// A running double; it ends with the process.
pub struct Collector {
    address: SocketAddr,
    state: Shared,
}

impl Collector {
    pub fn start() -> Self {
        let state = State { fault: CollectorFault::None, exports: Vec::new(), refused: 0 };
        let state = Arc::new((Mutex::new(state), Condvar::new()));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, state) = (stream.unwrap(), Arc::clone(&shared));
                std::thread::spawn(move || converse(stream, &state));
            }
        });
        Self { address, state }
    }

    /// For `OTEL_EXPORTER_OTLP_ENDPOINT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// For `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`.
    pub fn traces_url(&self) -> String {
        format!("{}/v1/traces", self.url())
    }

    pub fn fail(&self, fault: CollectorFault) {
        self.state.0.lock().unwrap().fault = fault;
        self.state.1.notify_all();
    }

    pub fn exports(&self) -> Vec<Export> {
        self.state.0.lock().unwrap().exports.clone()
    }

    /// How many exports were not answered well.
    pub fn refused(&self) -> usize {
        self.state.0.lock().unwrap().refused
    }

    /// All spans that were taken, in the order of their ends.
    pub fn spans(&self) -> Vec<CollectedSpan> {
        let of_resource = |message: &Message| {
            message
                .all(2)
                .flat_map(|scope| scope.all(2).map(|span| span_of(&span)).collect::<Vec<_>>())
                .collect::<Vec<_>>()
        };
        let exports = self.exports();
        exports
            .iter()
            .filter(|export| !export.path.ends_with("/metrics"))
            .flat_map(|export| {
                Message(&export.body).all(1).flat_map(|spans| of_resource(&spans)).collect::<Vec<_>>()
            })
            .collect()
    }

    /// The one span of this name.
    #[track_caller]
    pub fn span(&self, name: &str) -> CollectedSpan {
        let found: Vec<_> = self.spans().into_iter().filter(|span| span.name == name).collect();
        let [span] = &found[..] else {
            panic!("{} spans are named {name}: {:#?}", found.len(), self.spans())
        };
        span.clone()
    }

    /// What the first export says of the service.
    pub fn resource(&self) -> BTreeMap<String, String> {
        let exports = self.exports();
        let request = Message(&exports[0].body);
        let resource = request.all(1).next().unwrap().all(1).next().unwrap();
        attributes(&resource, 1)
    }
}

fn converse(stream: TcpStream, state: &Shared) {
    let mut reader = BufReader::new(stream);
    while let Some(export) = read(&mut reader) {
        let mut locked = state.0.lock().unwrap();
        if locked.fault == CollectorFault::Hangs {
            locked.refused += 1;
            drop(state.1.wait_while(locked, |state| state.fault == CollectorFault::Hangs));
            return;
        }
        let status = match locked.fault {
            CollectorFault::None | CollectorFault::Hangs => 200,
            CollectorFault::Overloaded => 503,
            CollectorFault::Refuses => 401,
            CollectorFault::HangsUp => {
                locked.refused += 1;
                return;
            }
        };
        if status == 200 {
            locked.exports.push(export);
        } else {
            locked.refused += 1;
        }
        drop(locked);
        let answer = format!(
            "HTTP/1.1 {status} Whatever\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n"
        );
        if reader.get_mut().write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

fn read(reader: &mut impl BufRead) -> Option<Export> {
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let path = line.split_whitespace().nth(1)?.to_owned();
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_lowercase(), value.trim().to_owned());
    }
    let mut body = vec![0; headers.get("content-length")?.parse().ok()?];
    reader.read_exact(&mut body).ok()?;
    Some(Export { path, headers, body })
}

/// A message in Protocol Buffers.
struct Message<'m>(&'m [u8]);

enum Part<'m> {
    Number(u64),
    Bytes(&'m [u8]),
}

impl<'m> Message<'m> {
    fn parts(&self) -> Vec<(u64, Part<'m>)> {
        let (mut rest, mut parts) = (self.0, Vec::new());
        while !rest.is_empty() {
            let key = varint(&mut rest);
            let part = match key & 7 {
                0 => Part::Number(varint(&mut rest)),
                1 => Part::Number(u64::from_le_bytes(take(&mut rest, 8).try_into().unwrap())),
                2 => {
                    let length = varint(&mut rest) as usize;
                    Part::Bytes(take(&mut rest, length))
                }
                5 => Part::Number(u32::from_le_bytes(take(&mut rest, 4).try_into().unwrap()).into()),
                kind => panic!("a field of the kind {kind}"),
            };
            parts.push((key >> 3, part));
        }
        parts
    }

    /// The messages in this field.
    fn all(&self, field: u64) -> impl Iterator<Item = Message<'m>> + use<'m> {
        self.parts().into_iter().filter_map(move |part| match part {
            (found, Part::Bytes(bytes)) if found == field => Some(Message(bytes)),
            _ => None,
        })
    }

    fn text(&self, field: u64) -> String {
        self.all(field).next().map(|found| String::from_utf8(found.0.to_vec()).unwrap()).unwrap_or_default()
    }

    fn hex(&self, field: u64) -> String {
        self.all(field)
            .next()
            .map_or(String::new(), |found| found.0.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    fn number(&self, field: u64) -> u64 {
        let found = self.parts().into_iter().find_map(|part| match part {
            (found, Part::Number(number)) if found == field => Some(number),
            _ => None,
        });
        found.unwrap_or_default()
    }
}

fn take<'m>(rest: &mut &'m [u8], length: usize) -> &'m [u8] {
    let (taken, behind) = rest.split_at(length);
    *rest = behind;
    taken
}

fn varint(rest: &mut &[u8]) -> u64 {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let byte = take(rest, 1)[0];
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return number;
        }
    }
    panic!("a number that does not end")
}

fn span_of(message: &Message<'_>) -> CollectedSpan {
    let status = message.all(15).next().map_or(0, |status| status.number(3));
    CollectedSpan {
        name: message.text(5),
        kind: message.number(6),
        trace_id: message.hex(1),
        span_id: message.hex(2),
        parent: message.hex(4),
        trace_state: message.text(3),
        started_at: message.number(7),
        ended_at: message.number(8),
        attributes: attributes(message, 9),
        failed: status == 2,
        flags: message.number(16),
    }
}

fn attributes(message: &Message<'_>, field: u64) -> BTreeMap<String, String> {
    let pairs = message.all(field).map(|pair| {
        let value = pair.all(2).next().unwrap();
        let text = value.text(1);
        let text =
            if text.is_empty() && value.all(1).next().is_none() { value.number(3).to_string() } else { text };
        (pair.text(1), text)
    });
    pairs.collect()
}

//! A database of places in the MaxMind format, made here: three documentation networks in three towns.

use std::net::Ipv4Addr;

/// Network, length of its prefix, country, city, latitude, longitude.
type Row = (Ipv4Addr, u8, &'static str, &'static str, f64, f64);

/// Where the owner of a test lives.
pub const HOME: [u8; 4] = [192, 0, 2, 10];
/// Across an ocean.
pub const LISBON: [u8; 4] = [198, 51, 100, 20];
/// On the other side of the earth.
pub const HANOI: [u8; 4] = [203, 0, 113, 30];

const ROWS: [Row; 3] = [
    (Ipv4Addr::new(192, 0, 2, 0), 24, "US", "Boston", 42.36, -71.06),
    (Ipv4Addr::new(198, 51, 100, 0), 24, "PT", "Lisbon", 38.72, -9.14),
    (Ipv4Addr::new(203, 0, 113, 0), 24, "VN", "Hanoi", 21.03, 105.85),
];

/// The bytes of the file: a search tree of 24-bit records, sixteen zeros, the data, and the metadata behind its mark.
pub fn database() -> Vec<u8> {
    let mut nodes: Vec<[Option<Next>; 2]> = vec![[None; 2]];
    let mut data = Vec::new();
    for row in ROWS {
        let (network, length, ..) = row;
        let at = data.len();
        place(&mut data, row);
        let bits = u32::from(network);
        let mut node = 0;
        for depth in 0..length {
            let side = usize::try_from(bits >> (31 - depth) & 1).expect("a bit");
            if depth + 1 == length {
                nodes[node][side] = Some(Next::Data(at));
            } else if let Some(Next::Node(next)) = nodes[node][side] {
                node = next;
            } else {
                nodes.push([None; 2]);
                let next = nodes.len() - 1;
                nodes[node][side] = Some(Next::Node(next));
                node = next;
            }
        }
    }
    let mut bytes = Vec::new();
    for node in &nodes {
        for side in node {
            let value = match side {
                None => nodes.len(),
                Some(Next::Node(next)) => *next,
                Some(Next::Data(at)) => nodes.len() + 16 + at,
            };
            bytes.extend_from_slice(&u32::try_from(value).expect("small").to_be_bytes()[1..]);
        }
    }
    bytes.extend_from_slice(&[0; 16]);
    bytes.extend_from_slice(&data);
    bytes.extend_from_slice(b"\xab\xcd\xefMaxMind.com");
    metadata(&mut bytes, u32::try_from(nodes.len()).expect("few"));
    bytes
}

#[derive(Clone, Copy)]
enum Next {
    Node(usize),
    Data(usize),
}

fn place(out: &mut Vec<u8>, (_, _, country, city, latitude, longitude): Row) {
    map(out, 3);
    text(out, "country");
    map(out, 1);
    text(out, "iso_code");
    text(out, country);
    text(out, "city");
    map(out, 1);
    text(out, "names");
    map(out, 1);
    text(out, "en");
    text(out, city);
    text(out, "location");
    map(out, 2);
    text(out, "latitude");
    double(out, latitude);
    text(out, "longitude");
    double(out, longitude);
}

fn metadata(out: &mut Vec<u8>, nodes: u32) {
    map(out, 9);
    text(out, "binary_format_major_version");
    number(out, 5, &[2]);
    text(out, "binary_format_minor_version");
    number(out, 5, &[]);
    text(out, "build_epoch");
    // An extended type: nine is seven and two.
    out.extend_from_slice(&[1, 2, 1]);
    text(out, "database_type");
    text(out, "Test-City");
    text(out, "description");
    map(out, 0);
    text(out, "ip_version");
    number(out, 5, &[4]);
    text(out, "languages");
    out.extend_from_slice(&[0, 4]);
    text(out, "node_count");
    number(out, 6, &nodes.to_be_bytes());
    text(out, "record_size");
    number(out, 5, &[24]);
}

fn map(out: &mut Vec<u8>, entries: u8) {
    out.push(7 << 5 | entries);
}

fn text(out: &mut Vec<u8>, text: &str) {
    let length = u8::try_from(text.len()).expect("short");
    assert!(length < 29, "longer texts need more bytes of length");
    out.push(2 << 5 | length);
    out.extend_from_slice(text.as_bytes());
}

fn double(out: &mut Vec<u8>, value: f64) {
    out.push(3 << 5 | 8);
    out.extend_from_slice(&value.to_be_bytes());
}

fn number(out: &mut Vec<u8>, kind: u8, bytes: &[u8]) {
    out.push(kind << 5 | u8::try_from(bytes.len()).expect("short"));
    out.extend_from_slice(bytes);
}

//! XXH64 with seed 0, of which a frame may carry the low half (RFC 8878 §3.1.1).

const P1: u64 = 0x9E37_79B1_85EB_CA87;
const P2: u64 = 0xC2B2_AE3D_27D4_EB4F;
const P3: u64 = 0x1656_67B1_9E37_79F9;
const P4: u64 = 0x85EB_CA77_C2B2_AE63;
const P5: u64 = 0x27D4_EB2F_1656_67C5;

/// The bytes that are mixed at once.
const STRIPE: usize = 32;

/// A sum over bytes that come in pieces.
pub(super) struct Xxh64 {
    lanes: [u64; 4],
    /// The start of a stripe.
    rest: [u8; STRIPE],
    have: usize,
    length: u64,
}

impl Xxh64 {
    pub(super) fn new() -> Self {
        let lanes = [P1.wrapping_add(P2), P2, 0, 0_u64.wrapping_sub(P1)];
        Self { lanes, rest: [0; STRIPE], have: 0, length: 0 }
    }

    pub(super) fn update(&mut self, mut bytes: &[u8]) {
        self.length = self.length.wrapping_add(bytes.len() as u64);
        if self.have > 0 {
            let (first, later) = bytes.split_at(bytes.len().min(STRIPE - self.have));
            if let Some(room) = self.rest.get_mut(self.have..self.have + first.len()) {
                room.copy_from_slice(first);
            }
            self.have += first.len();
            bytes = later;
            if self.have < STRIPE {
                return;
            }
            let stripe = self.rest;
            self.mix(&stripe);
        }
        let (stripes, rest) = bytes.as_chunks::<STRIPE>();
        stripes.iter().for_each(|stripe| self.mix(stripe));
        self.have = rest.len();
        if let Some(room) = self.rest.get_mut(..rest.len()) {
            room.copy_from_slice(rest);
        }
    }

    pub(super) fn sum(&self) -> u64 {
        let [a, b, c, d] = self.lanes;
        let mut sum = if self.length < STRIPE as u64 {
            P5
        } else {
            let joined = [(a, 1), (b, 7), (c, 12), (d, 18)]
                .iter()
                .fold(0_u64, |sum, (lane, turn)| sum.wrapping_add(lane.rotate_left(*turn)));
            self.lanes
                .iter()
                .fold(joined, |sum, lane| (sum ^ round(0, *lane)).wrapping_mul(P1).wrapping_add(P4))
        };
        sum = sum.wrapping_add(self.length);
        let (words, rest) = self.rest.get(..self.have).unwrap_or_default().as_chunks::<8>();
        for word in words {
            sum ^= round(0, u64::from_le_bytes(*word));
            sum = sum.rotate_left(27).wrapping_mul(P1).wrapping_add(P4);
        }
        let (halves, bytes) = rest.as_chunks::<4>();
        for half in halves {
            sum ^= u64::from(u32::from_le_bytes(*half)).wrapping_mul(P1);
            sum = sum.rotate_left(23).wrapping_mul(P2).wrapping_add(P3);
        }
        for byte in bytes {
            sum ^= u64::from(*byte).wrapping_mul(P5);
            sum = sum.rotate_left(11).wrapping_mul(P1);
        }
        sum = (sum ^ (sum >> 33)).wrapping_mul(P2);
        sum = (sum ^ (sum >> 29)).wrapping_mul(P3);
        sum ^ (sum >> 32)
    }

    fn mix(&mut self, stripe: &[u8; STRIPE]) {
        let (words, _) = stripe.as_chunks::<8>();
        for (lane, word) in self.lanes.iter_mut().zip(words) {
            *lane = round(*lane, u64::from_le_bytes(*word));
        }
    }
}

fn round(lane: u64, word: u64) -> u64 {
    lane.wrapping_add(word.wrapping_mul(P2)).rotate_left(31).wrapping_mul(P1)
}

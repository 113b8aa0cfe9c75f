//! Packets sealed with the cluster's key: nobody without it can read, forge, change or repeat one.
//!
//! A packet is a header in the clear and an AEAD box over the payload; the header is part of what
//! the box vouches for. The key of a box belongs to one life of one sender, derived with
//! HKDF-SHA-256 from authkey, and its nonce is a counter, so no nonce is ever used twice, not even
//! by a host that was rebooted. Pure: it knows no clock, socket or file.

use std::collections::BTreeMap;
use std::fmt;

use model::{Incarnation, NodeId};
use ring::aead::{AES_256_GCM, Aad, Algorithm, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use ring::hkdf;

use crate::core::{LinkId, Unreadable};

/// First bytes of each packet: what it is and the form of the header.
const MAGIC: [u8; 4] = *b"SyH1";

/// Magic, cipher, link, cluster, key, sender, incarnation, counter.
const HEADER_BYTES: usize = 4 + 1 + 1 + 8 + 4 + 4 + 8 + 8;

/// What sealing adds to a payload.
pub const SEAL_BYTES: usize = HEADER_BYTES + 16;

/// Shortest key that is worth the name.
pub const KEY_BYTES_MIN: usize = 16;

/// Lives of one sender that are remembered: the one that runs, the one before, and one to spare.
const LIVES_MAX: usize = 3;

/// How a packet is sealed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cipher {
    /// AES-256-GCM.
    #[default]
    Aes256Gcm,
    /// ChaCha20-Poly1305, quicker where the processor lacks AES.
    ChaCha20Poly1305,
}

impl Cipher {
    /// Returns what suits corosync.conf's `crypto_cipher`. There is no unsealed traffic: `none`
    /// and the shorter AES keys mean the default, too.
    pub fn from_conf(crypto_cipher: Option<&str>) -> Self {
        match crypto_cipher {
            Some("chacha20") => Self::ChaCha20Poly1305,
            _ => Self::Aes256Gcm,
        }
    }

    fn id(self) -> u8 {
        match self {
            Self::Aes256Gcm => 1,
            Self::ChaCha20Poly1305 => 2,
        }
    }

    fn from_id(id: u8) -> Option<Self> {
        match id {
            1 => Some(Self::Aes256Gcm),
            2 => Some(Self::ChaCha20Poly1305),
            _ => None,
        }
    }

    fn algorithm(self) -> &'static Algorithm {
        match self {
            Self::Aes256Gcm => &AES_256_GCM,
            Self::ChaCha20Poly1305 => &CHACHA20_POLY1305,
        }
    }
}

/// A key too short to keep anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the key has {0} bytes, at least {KEY_BYTES_MIN} are needed; make one with corosync-keygen"
)]
pub struct KeyTooShort(pub usize);

/// The bytes of an authkey.
#[derive(Clone)]
pub struct AuthKey {
    prk: hkdf::Prk,
    id: [u8; 4],
}

impl fmt::Debug for AuthKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AuthKey({:08x})", u32::from_be_bytes(self.id))
    }
}

impl AuthKey {
    /// Takes an authkey of any sufficient length for the cluster of this name.
    pub fn new(bytes: &[u8], cluster_name: &str) -> Result<Self, KeyTooShort> {
        if bytes.len() < KEY_BYTES_MIN {
            return Err(KeyTooShort(bytes.len()));
        }
        let salt = hkdf::Salt::new(hkdf::HKDF_SHA256, b"systole heartbeat 1");
        let prk = salt.extract(bytes);
        let mut id = [0; 4];
        derive(&prk, &[b"key id", cluster_name.as_bytes()], &mut id);
        Ok(Self { prk, id })
    }

    fn of_life(&self, cipher: Cipher, sender: NodeId, life: Incarnation) -> LessSafeKey {
        let mut bytes = [0; 32];
        let info: [&[u8]; 4] =
            [b"life", &[cipher.id()], &sender.0.to_be_bytes(), &life.0.to_be_bytes()];
        derive(&self.prk, &info, &mut bytes);
        match UnboundKey::new(cipher.algorithm(), &bytes) {
            Ok(key) => LessSafeKey::new(key),
            Err(ring::error::Unspecified) => unreachable!("both ciphers take 32 bytes"),
        }
    }
}

struct Length(usize);

impl hkdf::KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

fn derive(prk: &hkdf::Prk, info: &[&[u8]], out: &mut [u8]) {
    let filled = prk.expand(info, Length(out.len())).and_then(|okm| okm.fill(out));
    assert!(filled.is_ok(), "HKDF-SHA-256 gives up to 8,160 bytes");
}

/// Returns the number by which packets of other clusters on the same wire are told apart (FNV-1a).
fn cluster_hash(name: &str) -> [u8; 8] {
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    hash.to_be_bytes()
}

/// The keys of a cluster: the one to send with, and while re-keying the one before.
#[derive(Clone, Debug)]
pub struct Keyring {
    cluster: [u8; 8],
    cipher: Cipher,
    current: AuthKey,
    previous: Option<AuthKey>,
}

impl Keyring {
    /// Makes the keyring of a cluster.
    pub fn new(cluster_name: &str, cipher: Cipher, current: AuthKey) -> Self {
        Self { cluster: cluster_hash(cluster_name), cipher, current, previous: None }
    }

    /// Sends with a new key from now on and still opens what the one before sealed.
    pub fn rotate(&mut self, new: AuthKey) {
        if new.id != self.current.id {
            self.previous = Some(std::mem::replace(&mut self.current, new));
        }
    }

    /// Opens nothing of the key before any more.
    pub fn drop_previous(&mut self) {
        self.previous = None;
    }

    fn find(&self, id: [u8; 4]) -> Option<&AuthKey> {
        [Some(&self.current), self.previous.as_ref()].into_iter().flatten().find(|key| key.id == id)
    }
}

/// Seals what one life of one node sends.
#[derive(Debug)]
pub struct Sealer {
    header: [u8; HEADER_BYTES],
    sender: NodeId,
    life: Incarnation,
    key: LessSafeKey,
    counter: u64,
}

impl Sealer {
    /// Starts sealing for a node's life. There must be one sealer only for each life.
    pub fn new(keyring: &Keyring, sender: NodeId, life: Incarnation) -> Self {
        let mut header = [0; HEADER_BYTES];
        header[..4].copy_from_slice(&MAGIC);
        header[6..14].copy_from_slice(&keyring.cluster);
        header[18..22].copy_from_slice(&sender.0.to_be_bytes());
        header[22..30].copy_from_slice(&life.0.to_be_bytes());
        let key = keyring.current.of_life(keyring.cipher, sender, life);
        let mut sealer = Self { header, sender, life, key, counter: 0 };
        sealer.rekey(keyring);
        sealer
    }

    /// Goes on with the current key of the keyring; the counter goes on too, so that a key that
    /// comes back never sees a nonce again.
    pub fn rekey(&mut self, keyring: &Keyring) {
        self.header[4] = keyring.cipher.id();
        self.header[14..18].copy_from_slice(&keyring.current.id);
        self.key = keyring.current.of_life(keyring.cipher, self.sender, self.life);
    }

    /// Seals a payload for a link.
    pub fn seal(&mut self, link: LinkId, payload: &[u8]) -> Vec<u8> {
        self.counter += 1;
        let mut header = self.header;
        header[5] = link.0;
        header[30..].copy_from_slice(&self.counter.to_be_bytes());
        let mut packet = Vec::with_capacity(payload.len() + SEAL_BYTES);
        packet.extend_from_slice(&header);
        packet.extend_from_slice(payload);
        let sealed = self.key.seal_in_place_separate_tag(
            nonce(self.counter),
            Aad::from(header),
            &mut packet[HEADER_BYTES..],
        );
        match sealed {
            Ok(tag) => packet.extend_from_slice(tag.as_ref()),
            Err(ring::error::Unspecified) => unreachable!("a packet is shorter than 64 GB"),
        }
        packet
    }
}

fn nonce(counter: u64) -> Nonce {
    let mut bytes = [0; 12];
    bytes[4..].copy_from_slice(&counter.to_be_bytes());
    Nonce::assume_unique_for_key(bytes)
}

/// What was in a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opened<'a> {
    /// The node that sealed it.
    pub sender: NodeId,
    /// The life of it.
    pub life: Incarnation,
    /// The link it was sealed for.
    pub link: LinkId,
    /// What was sealed.
    pub payload: &'a [u8],
}

/// Why a packet was not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Not ours at all: noise, or another cluster's. To be ignored.
    Foreign,
    /// Seen before, or too old to tell. To be ignored.
    Repeated,
    /// From this cluster, but it cannot be opened.
    Unreadable {
        /// The node it claims to be from.
        claims: NodeId,
        /// What is wrong.
        why: Unreadable,
    },
}

/// Opens what the nodes of a cluster seal.
#[derive(Debug)]
pub struct Opener {
    keyring: Keyring,
    senders: BTreeMap<NodeId, Vec<Life>>,
}

#[derive(Debug)]
struct Life {
    life: Incarnation,
    key_id: [u8; 4],
    cipher: Cipher,
    key: LessSafeKey,
    windows: BTreeMap<u8, Window>,
}

impl Opener {
    /// Makes an opener that has seen nothing.
    pub fn new(keyring: Keyring) -> Self {
        Self { keyring, senders: BTreeMap::new() }
    }

    /// Takes changed keys; what was sealed with one that is gone is refused from now on.
    pub fn set_keyring(&mut self, keyring: Keyring) {
        for lives in self.senders.values_mut() {
            lives.retain(|life| keyring.find(life.key_id).is_some());
        }
        self.keyring = keyring;
    }

    /// Opens a packet in its place.
    pub fn open<'a>(&mut self, packet: &'a mut [u8]) -> Result<Opened<'a>, Refused> {
        let Some((header, body)) = packet.split_first_chunk_mut::<HEADER_BYTES>() else {
            return Err(Refused::Foreign);
        };
        let header = *header;
        if header[..3] != MAGIC[..3] || header[6..14] != self.keyring.cluster {
            return Err(Refused::Foreign);
        }
        let sender = NodeId(u32::from_be_bytes(part(&header, 18)));
        let unreadable = |why| Refused::Unreadable { claims: sender, why };
        let cipher = Cipher::from_id(header[4]).filter(|_| header[3] == MAGIC[3]);
        let cipher = cipher.ok_or(unreadable(Unreadable::OtherVersion))?;
        let key_id = part(&header, 14);
        let key = self.keyring.find(key_id).ok_or(unreadable(Unreadable::WrongKey))?;
        let life = Incarnation(u64::from_be_bytes(part(&header, 22)));
        let counter = u64::from_be_bytes(part(&header, 30));
        let link = header[5];

        // Only what was vouched for may leave a trace, so nothing is entered before.
        let lives = self.senders.get_mut(&sender);
        let mut none = Vec::new();
        let lives = lives.unwrap_or(&mut none);
        let known = lives
            .iter()
            .position(|known| (known.life, known.key_id, known.cipher) == (life, key_id, cipher));
        let fresh;
        let aead = match known {
            Some(index) => {
                let window = lives[index].windows.get(&link);
                if window.is_some_and(|window| !window.is_new(counter)) {
                    return Err(Refused::Repeated);
                }
                &lives[index].key
            }
            None => {
                fresh = key.of_life(cipher, sender, life);
                &fresh
            }
        };
        let Ok(payload) = aead.open_in_place(nonce(counter), Aad::from(header), body) else {
            return Err(unreadable(Unreadable::WrongKey));
        };
        let mut entry = match known {
            Some(index) => lives.remove(index),
            None => Life { life, key_id, cipher, key: aead.clone(), windows: BTreeMap::new() },
        };
        entry.windows.entry(link).or_default().note(counter);
        let lives = self.senders.entry(sender).or_default();
        lives.insert(0, entry);
        lives.truncate(LIVES_MAX);
        Ok(Opened { sender, life, link: LinkId(link), payload })
    }
}

fn part<const N: usize>(header: &[u8; HEADER_BYTES], at: usize) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(&header[at..at + N]);
    out
}

/// The last 64 counters of a sender on a link.
#[derive(Clone, Copy, Debug, Default)]
struct Window {
    highest: u64,
    /// Bit N is set when `highest - N` was seen.
    seen: u64,
}

impl Window {
    fn is_new(self, counter: u64) -> bool {
        match self.highest.checked_sub(counter) {
            None => true,
            Some(behind @ 0..64) => self.seen & (1 << behind) == 0,
            Some(_) => false,
        }
    }

    fn note(&mut self, counter: u64) {
        match counter.checked_sub(self.highest) {
            Some(ahead) => {
                self.seen = if ahead < 64 { self.seen << ahead } else { 0 } | 1;
                self.highest = counter;
            }
            None => {
                let behind = self.highest - counter;
                if behind < 64 {
                    self.seen |= 1 << behind;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINK: LinkId = LinkId(0);

    fn keyring(key: u8, cluster: &str, cipher: Cipher) -> Keyring {
        Keyring::new(cluster, cipher, AuthKey::new(&[key; 128], cluster).unwrap())
    }

    fn sealer(keyring: &Keyring, life: u64) -> Sealer {
        Sealer::new(keyring, NodeId(7), Incarnation(life))
    }

    fn open(opener: &mut Opener, packet: &[u8]) -> Result<Vec<u8>, Refused> {
        let mut copy = packet.to_vec();
        opener.open(&mut copy).map(|opened| {
            assert_eq!(opened.sender, NodeId(7));
            opened.payload.to_vec()
        })
    }

    const WRONG_KEY: Refused = Refused::Unreadable { claims: NodeId(7), why: Unreadable::WrongKey };

    #[test]
    fn what_is_sealed_is_opened_once_with_either_cipher() {
        for cipher in [Cipher::Aes256Gcm, Cipher::ChaCha20Poly1305] {
            let ring = keyring(1, "my", cipher);
            let packet = sealer(&ring, 3).seal(LINK, b"hello");
            assert_eq!(packet.len(), 5 + SEAL_BYTES);
            assert!(!packet.windows(5).any(|part| part == b"hello"));
            let mut opener = Opener::new(ring);
            assert_eq!(open(&mut opener, &packet), Ok(b"hello".to_vec()));
            assert_eq!(open(&mut opener, &packet), Err(Refused::Repeated));
        }
    }

    #[test]
    fn both_ciphers_may_meet_on_one_wire() {
        let mut opener = Opener::new(keyring(1, "my", Cipher::Aes256Gcm));
        let other = keyring(1, "my", Cipher::ChaCha20Poly1305);
        assert!(open(&mut opener, &sealer(&other, 3).seal(LINK, b"x")).is_ok());
    }

    #[test]
    fn every_changed_bit_is_noticed_and_leaves_no_trace() {
        let ring = keyring(1, "my", Cipher::default());
        let packet = sealer(&ring, 3).seal(LINK, b"hello");
        let mut opener = Opener::new(ring);
        for bit in 0..packet.len() * 8 {
            let mut changed = packet.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            let mut copy = changed.clone();
            assert!(opener.open(&mut copy).is_err(), "bit {bit}");
        }
        for end in 0..packet.len() {
            assert!(opener.open(&mut packet[..end].to_vec()).is_err());
        }
        assert!(open(&mut opener, &packet).is_ok(), "no forgery spoils the real one");
    }

    #[test]
    fn another_key_is_told_apart_from_another_cluster() {
        let mut opener = Opener::new(keyring(1, "my", Cipher::default()));
        let wrong = sealer(&keyring(2, "my", Cipher::default()), 1).seal(LINK, b"x");
        assert_eq!(open(&mut opener, &wrong), Err(WRONG_KEY));
        let foreign = sealer(&keyring(1, "your", Cipher::default()), 1).seal(LINK, b"x");
        assert_eq!(open(&mut opener, &foreign), Err(Refused::Foreign));
        assert_eq!(open(&mut opener, b"GET / HTTP/1.1"), Err(Refused::Foreign));
        let mut newer = sealer(&keyring(1, "my", Cipher::default()), 1).seal(LINK, b"x");
        newer[3] = b'2';
        let why = Unreadable::OtherVersion;
        assert_eq!(open(&mut opener, &newer), Err(Refused::Unreadable { claims: NodeId(7), why }));
    }

    #[test]
    fn packets_may_overtake_each_other_within_the_window() {
        let ring = keyring(1, "my", Cipher::default());
        let mut sealer = sealer(&ring, 3);
        let packets: Vec<Vec<u8>> = (0..200).map(|_| sealer.seal(LINK, b"x")).collect();
        let mut opener = Opener::new(ring);
        assert!(open(&mut opener, &packets[100]).is_ok());
        assert!(open(&mut opener, &packets[40]).is_ok());
        assert_eq!(open(&mut opener, &packets[40]), Err(Refused::Repeated));
        assert_eq!(open(&mut opener, &packets[36]), Err(Refused::Repeated), "too old to tell");
        assert!(open(&mut opener, &packets[199]).is_ok());
        assert_eq!(open(&mut opener, &packets[100]), Err(Refused::Repeated));
        assert!(open(&mut opener, &packets[150]).is_ok());
    }

    #[test]
    fn links_have_windows_of_their_own() {
        let ring = keyring(1, "my", Cipher::default());
        let mut sealer = sealer(&ring, 3);
        let slow = sealer.seal(LinkId(1), b"x");
        let mut opener = Opener::new(ring);
        for _ in 0..100 {
            assert!(open(&mut opener, &sealer.seal(LINK, b"x")).is_ok());
        }
        assert!(open(&mut opener, &slow).is_ok());
    }

    #[test]
    fn while_rekeying_both_keys_are_good_and_afterwards_only_the_new_one() {
        let old = keyring(1, "my", Cipher::default());
        let mut sealer_old = sealer(&old, 3);
        let mut both = old.clone();
        both.rotate(AuthKey::new(&[2; 128], "my").unwrap());
        let mut sealer_new = sealer(&both, 3);
        let mut opener = Opener::new(old);
        assert_eq!(open(&mut opener, &sealer_new.seal(LINK, b"x")), Err(WRONG_KEY));
        opener.set_keyring(both.clone());
        assert!(open(&mut opener, &sealer_old.seal(LINK, b"x")).is_ok());
        assert!(open(&mut opener, &sealer_new.seal(LINK, b"x")).is_ok());
        both.drop_previous();
        opener.set_keyring(both);
        assert_eq!(open(&mut opener, &sealer_old.seal(LINK, b"x")), Err(WRONG_KEY));
        assert!(open(&mut opener, &sealer_new.seal(LINK, b"x")).is_ok());
    }

    #[test]
    fn a_sealer_that_comes_back_to_a_key_goes_on_counting() {
        let one = keyring(1, "my", Cipher::default());
        let two = keyring(2, "my", Cipher::default());
        let mut sealer = sealer(&one, 3);
        let mut opener = Opener::new(one.clone());
        assert!(open(&mut opener, &sealer.seal(LINK, b"x")).is_ok());
        sealer.rekey(&two);
        sealer.rekey(&one);
        assert!(open(&mut opener, &sealer.seal(LINK, b"x")).is_ok(), "not a repeated counter");
    }

    #[test]
    fn a_short_key_is_refused() {
        assert_eq!(
            AuthKey::new(b"secret", "my").unwrap_err().to_string(),
            "the key has 6 bytes, at least 16 are needed; make one with corosync-keygen"
        );
    }
}

//! A client's view: is an address answering, and for how long was it not.

use std::io;
use std::mem::MaybeUninit;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use socket2::{Domain, Protocol, Socket, Type};

use crate::face::pause;

/// Sends an ICMP echo request every 10 ms and notes each answer.
#[derive(Debug)]
pub struct Prober {
    answers: Arc<Mutex<Vec<Instant>>>,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

/// Between two requests.
pub const PROBE_EVERY: Duration = Duration::from_millis(10);

/// A time without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outage {
    /// From the last answer before to the first one after.
    pub length: Duration,
    /// From the fault to the first answer after it.
    pub since_fault: Duration,
}

impl Prober {
    /// Begins to probe an address.
    ///
    /// # Errors
    /// A raw socket is not to be had (inside a lab it is).
    pub fn start(address: Ipv4Addr) -> io::Result<Self> {
        let socket = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::ICMPV4))?;
        socket.set_read_timeout(Some(Duration::from_millis(50)))?;
        let answers = Arc::new(Mutex::new(Vec::new()));
        let stop = Arc::new(AtomicBool::new(false));
        let target = SocketAddrV4::new(address, 0).into();
        let sender = {
            let (socket, stop) = (socket.try_clone()?, Arc::clone(&stop));
            std::thread::spawn(move || {
                let mut sequence = 0_u16;
                while !stop.load(Ordering::Relaxed) {
                    sequence = sequence.wrapping_add(1);
                    // an unreachable address is what we are here to notice
                    let _sent = socket.send_to(&echo_request(sequence), &target);
                    pause(PROBE_EVERY);
                }
            })
        };
        let receiver = {
            let (answers, stop) = (Arc::clone(&answers), Arc::clone(&stop));
            std::thread::spawn(move || {
                let mut buffer = [MaybeUninit::<u8>::uninit(); 256];
                while !stop.load(Ordering::Relaxed) {
                    let Ok((length, from)) = socket.recv_from(&mut buffer) else { continue };
                    let is_target = from.as_socket_ipv4().is_some_and(|from| *from.ip() == address);
                    if is_target && length >= 28 {
                        answers.lock().unwrap_or_else(PoisonError::into_inner).push(Instant::now());
                    }
                }
            })
        };
        Ok(Self { answers, stop, threads: vec![sender, receiver] })
    }

    /// Returns when the last answer came.
    pub fn last_answer(&self) -> Option<Instant> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner).last().copied()
    }

    /// Tells whether an answer came within the last 100 ms.
    pub fn is_answering(&self) -> bool {
        self.last_answer().is_some_and(|at| at.elapsed() < PROBE_EVERY * 10)
    }

    /// Waits for an answer later than `after`, at most `patience`.
    pub fn wait_for_answer(&self, after: Instant, patience: Duration) -> Option<Instant> {
        let deadline = Instant::now() + patience;
        while Instant::now() < deadline {
            let found = {
                let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
                answers.iter().find(|at| **at > after).copied()
            };
            if found.is_some() {
                return found;
            }
            pause(Duration::from_millis(2));
        }
        None
    }

    /// Returns the longest gap between answers that ends after `fault`; an address that is not
    /// answering now has been gone until now.
    pub fn outage(&self, fault: Instant) -> Option<Outage> {
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        longest_gap(&answers, fault)
    }
}

fn longest_gap(answers: &[Instant], fault: Instant) -> Option<Outage> {
    answers
        .windows(2)
        .filter(|pair| pair[1] > fault)
        .map(|pair| Outage {
            length: pair[1] - pair[0],
            since_fault: pair[1].saturating_duration_since(fault),
        })
        .max_by_key(|outage| outage.length)
}

impl Drop for Prober {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            // a prober that panicked has nothing more to say
            let _ended = thread.join();
        }
    }
}

/// An ICMP echo request (RFC 792) with its checksum.
fn echo_request(sequence: u16) -> [u8; 16] {
    let mut packet = [0_u8; 16];
    packet[0] = 8;
    packet[4..6].copy_from_slice(&0x5359_u16.to_be_bytes());
    packet[6..8].copy_from_slice(&sequence.to_be_bytes());
    let sum: u32 =
        packet.chunks_exact(2).map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]]))).sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    let checksum = !u16::try_from((folded & 0xffff) + (folded >> 16)).unwrap_or(u16::MAX);
    packet[2..4].copy_from_slice(&checksum.to_be_bytes());
    packet
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_outage_is_the_longest_gap_after_the_fault() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let answers = [at(0), at(500), at(510), at(1700), at(1710)];
        let outage = longest_gap(&answers, at(520)).unwrap();
        assert_eq!(outage.length, Duration::from_millis(1190));
        assert_eq!(outage.since_fault, Duration::from_millis(1180));
        assert_eq!(longest_gap(&answers, at(2000)), None);
    }

    #[test]
    fn an_echo_request_sums_to_zero() {
        let packet = echo_request(7);
        let sum: u32 = packet
            .chunks_exact(2)
            .map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]])))
            .sum();
        assert_eq!((sum & 0xffff) + (sum >> 16), 0xffff);
    }
}

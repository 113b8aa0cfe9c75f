//! The core in a world of simulated clocks, disks and wires: stories, and random schedules.

mod chance;
mod disk;
mod records;
mod stories;
mod world;

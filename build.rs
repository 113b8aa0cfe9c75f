//! Links the program so that it starts fast, since tools are started often.
//!
//! Its relocations are packed where the C library can unpack them: fifty thousand pointers in tables
//! take a twentieth of the room, and every start reads them. What unwinds the stack after a panic is
//! linked in where the compiler has it as an archive: a library less to find and to map.

use std::path::PathBuf;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let of = |name: &str| std::env::var(name).unwrap_or_default();
    let native = of("HOST") == of("TARGET") && of("CARGO_CFG_TARGET_ENV") == "gnu";
    if native && c_library().is_some_and(|version| version >= (2, 36)) {
        println!("cargo:rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
    if native && let Some(directory) = unwinder().as_deref().and_then(|file| file.parent()) {
        println!("cargo:rustc-link-search=native={}", directory.display());
        println!("cargo:rustc-link-lib=static=gcc_eh");
    }
}

/// The version of this machine's C library: programs built here need one as new anyway.
fn c_library() -> Option<(u32, u32)> {
    let output = Command::new("getconf").arg("GNU_LIBC_VERSION").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let (major, minor) = text.trim().strip_prefix("glibc ")?.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// The archive of GCC's unwinder, if this machine has it.
fn unwinder() -> Option<PathBuf> {
    let output = Command::new("cc").arg("-print-file-name=libgcc_eh.a").output().ok()?;
    let file = PathBuf::from(String::from_utf8(output.stdout).ok()?.trim());
    // (of what it does not know the compiler prints the bare name)
    file.is_absolute().then_some(file).filter(|file| file.is_file())
}

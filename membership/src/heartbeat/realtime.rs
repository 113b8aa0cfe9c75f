//! Being on time: real-time scheduling, locked memory, and what token that allows.

use std::fs;

use nix::sys::mman::{MlockAllFlags, mlockall};
use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit};
use thread_priority::{
    RealtimeThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy,
    set_thread_priority_and_policy, thread_native_id,
};

/// The token where heartbeats are on time: ten beats, and over a hundred times the worst lateness
/// measured with real-time scheduling under load.
pub const TOKEN_MS_REAL_TIME: u64 = 1_000;

/// The token where they may be late: without real-time scheduling a loaded host is easily a second
/// late, and a hypervisor may stop all of it for as long.
pub const TOKEN_MS_ELSE: u64 = 3_000;

/// Returns the token for a corosync.conf that names none.
pub fn default_token_ms(real_time: bool, hypervisor: bool) -> u64 {
    if real_time && !hypervisor { TOKEN_MS_REAL_TIME } else { TOKEN_MS_ELSE }
}

/// Tells whether this machine knows to be a virtual one.
pub fn sees_hypervisor() -> bool {
    let processor = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let flag = |line: &str| {
        (line.starts_with("flags") || line.starts_with("Features"))
            && line.split_whitespace().any(|flag| flag == "hypervisor")
    };
    processor.lines().any(flag)
        || fs::metadata("/sys/hypervisor/type").is_ok()
        || fs::read_to_string("/sys/class/dmi/id/sys_vendor").is_ok_and(|vendor| {
            ["QEMU", "VMware", "innotek", "Xen", "Amazon EC2", "Google", "Parallels"]
                .iter()
                .any(|name| vendor.starts_with(name))
        })
}

/// Gives the calling thread real-time scheduling; tells whether that was allowed. Only this thread:
/// children of the process must not inherit it.
pub(super) fn make_real_time() -> bool {
    let policy = ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::RoundRobin);
    set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Max, policy).is_ok()
}

/// Keeps this process's memory from being swapped out, page by page as it is touched. Where the
/// limit on locked memory is finite this would make later allocations fail, so it is left out.
pub(super) fn lock_memory() -> bool {
    if !may_lock_memory() {
        return false;
    }
    let on_fault = MlockAllFlags::from_bits_retain(nix::libc::MCL_ONFAULT);
    mlockall(MlockAllFlags::MCL_CURRENT | MlockAllFlags::MCL_FUTURE | on_fault).is_ok()
}

fn may_lock_memory() -> bool {
    /// CAP_IPC_LOCK's bit in a capability mask.
    const IPC_LOCK: u64 = 1 << 14;
    let unlimited =
        getrlimit(Resource::RLIMIT_MEMLOCK).is_ok_and(|(soft, _)| soft == RLIM_INFINITY);
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    // In a user namespace the mask says yes to everything while the kernel says no.
    let first_namespace = fs::read_to_string("/proc/self/uid_map")
        .is_ok_and(|map| map.split_whitespace().eq(["0", "0", "4294967295"]));
    unlimited || (first_namespace && mask & IPC_LOCK != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_is_enough_only_with_real_time_on_bare_metal() {
        assert_eq!(default_token_ms(true, false), 1_000);
        assert_eq!(default_token_ms(true, true), 3_000);
        assert_eq!(default_token_ms(false, false), 3_000);
    }
}

//! Values the tests of this core share.

use model::{AgentSpec, ExecStatus, OpRecord, WallTime};

/// Builds the record of a finished operation of an `ocf:test:Dummy` resource.
pub(crate) fn record(
    resource: &str,
    action: &str,
    interval_ms: u64,
    rc: i32,
    call_id: i64,
) -> OpRecord {
    OpRecord {
        resource: resource.into(),
        agent: AgentSpec {
            class: "ocf".into(),
            provider: Some("test".into()),
            kind: "Dummy".into(),
        },
        action: action.into(),
        interval_ms,
        call_id,
        rc,
        status: ExecStatus::Done,
        exit_reason: String::new(),
        transition_key: "1:1:0:uuid".into(),
        last_rc_change: WallTime(1_700_000_000_000),
        exec_time_ms: 20,
        queue_time_ms: 0,
        op_digest: String::new(),
        restart: None,
        secure: None,
        origin: "controld_update_resource_history".into(),
    }
}

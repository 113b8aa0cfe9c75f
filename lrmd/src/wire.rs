//! Commands and reports as they stand on the wire.

use std::collections::BTreeMap;

use model::{
    AgentSpec, Authority, BootId, ExecStatus, Generation, HandsCommand, HandsId, HandsReport,
    OpRecord, Operation, Term, WallTime,
};
use wire::hands as proto;

/// A message that lacks what its kind needs: its sender is of another release, or broken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a message without `{0}`")]
pub struct Incomplete(pub &'static str);

/// Writes a command.
pub fn from_command(command: HandsCommand) -> proto::Command {
    use proto::command::Kind;
    let kind = match command {
        HandsCommand::Join { authority } => {
            Kind::Join(proto::command::Join { authority: Some(from_authority(authority)) })
        }
        HandsCommand::Execute { authority, operation } => Kind::Execute(proto::command::Execute {
            authority: Some(from_authority(authority)),
            operation: Some(from_operation(operation)),
        }),
        HandsCommand::Cancel { authority, resource, action, interval_ms, transition_key } => {
            Kind::Cancel(proto::command::Cancel {
                authority: Some(from_authority(authority)),
                resource: resource.to_string(),
                action,
                interval_ms,
                transition_key,
            })
        }
        HandsCommand::Forget { authority, resource, operation } => {
            let (action, interval_ms) = operation.unzip();
            Kind::Forget(proto::command::Forget {
                authority: Some(from_authority(authority)),
                resource: resource.to_string(),
                action,
                interval_ms: interval_ms.unwrap_or(0),
            })
        }
        HandsCommand::Acknowledge { through } => {
            Kind::Acknowledge(proto::command::Acknowledge { through })
        }
        HandsCommand::Quorate { quorate } => Kind::Quorate(proto::command::Quorate { quorate }),
        HandsCommand::GiveWay => Kind::GiveWay(proto::command::GiveWay {}),
        HandsCommand::Policy { stop_without_brain_ms } => Kind::Policy(proto::command::Policy {
            stop_without_brain_ms: stop_without_brain_ms.unwrap_or(0),
        }),
    };
    proto::Command { kind: Some(kind) }
}

/// Reads a command.
pub fn to_command(command: proto::Command) -> Result<HandsCommand, Incomplete> {
    use proto::command::Kind;
    Ok(match command.kind.ok_or(Incomplete("command.kind"))? {
        Kind::Join(join) => HandsCommand::Join { authority: to_authority(join.authority)? },
        Kind::Execute(execute) => HandsCommand::Execute {
            authority: to_authority(execute.authority)?,
            operation: to_operation(execute.operation.ok_or(Incomplete("execute.operation"))?)?,
        },
        Kind::Cancel(cancel) => HandsCommand::Cancel {
            authority: to_authority(cancel.authority)?,
            resource: cancel.resource.into(),
            action: cancel.action,
            interval_ms: cancel.interval_ms,
            transition_key: cancel.transition_key,
        },
        Kind::Forget(forget) => HandsCommand::Forget {
            authority: to_authority(forget.authority)?,
            resource: forget.resource.into(),
            operation: forget.action.map(|action| (action, forget.interval_ms)),
        },
        Kind::Acknowledge(acknowledge) => {
            HandsCommand::Acknowledge { through: acknowledge.through }
        }
        Kind::Quorate(quorate) => HandsCommand::Quorate { quorate: quorate.quorate },
        Kind::GiveWay(proto::command::GiveWay {}) => HandsCommand::GiveWay,
        Kind::Policy(policy) => HandsCommand::Policy {
            stop_without_brain_ms: Some(policy.stop_without_brain_ms).filter(|ms| *ms > 0),
        },
    })
}

/// Writes a report.
pub fn from_report(report: HandsReport) -> proto::Report {
    use proto::report::Kind;
    let kind = match report {
        HandsReport::History { authority, boot, hands, records } => {
            Kind::History(proto::report::History {
                authority: Some(from_authority(authority)),
                boot: boot.0.to_be_bytes().to_vec(),
                hands: hands.0.to_be_bytes().to_vec(),
                records: records.into_iter().map(from_record).collect(),
            })
        }
        HandsReport::Result { report, record } => {
            Kind::Result(proto::report::Result { report, record: Some(from_record(record)) })
        }
        HandsReport::Refused { authority, highest, transition_key } => {
            Kind::Refused(proto::report::Refused {
                authority: Some(from_authority(authority)),
                highest: Some(from_authority(highest)),
                transition_key,
            })
        }
    };
    proto::Report { kind: Some(kind) }
}

/// Reads a report.
pub fn to_report(report: proto::Report) -> Result<HandsReport, Incomplete> {
    use proto::report::Kind;
    Ok(match report.kind.ok_or(Incomplete("report.kind"))? {
        Kind::History(history) => HandsReport::History {
            authority: to_authority(history.authority)?,
            boot: BootId(to_id(&history.boot).ok_or(Incomplete("history.boot"))?),
            hands: HandsId(to_id(&history.hands).ok_or(Incomplete("history.hands"))?),
            records: history.records.into_iter().map(to_record).collect::<Result<_, _>>()?,
        },
        Kind::Result(result) => HandsReport::Result {
            report: result.report,
            record: to_record(result.record.ok_or(Incomplete("result.record"))?)?,
        },
        Kind::Refused(refused) => HandsReport::Refused {
            authority: to_authority(refused.authority)?,
            highest: to_authority(refused.highest)?,
            transition_key: refused.transition_key,
        },
    })
}

fn from_authority(authority: Authority) -> proto::Authority {
    proto::Authority {
        generation: authority.generation.0,
        term: authority.term.0,
        sequence: authority.sequence,
    }
}

fn to_authority(authority: Option<proto::Authority>) -> Result<Authority, Incomplete> {
    let authority = authority.ok_or(Incomplete("authority"))?;
    Ok(Authority {
        generation: Generation(authority.generation),
        term: Term(authority.term),
        sequence: authority.sequence,
    })
}

fn to_id(bytes: &[u8]) -> Option<u128> {
    bytes.try_into().ok().map(u128::from_be_bytes)
}

fn from_agent(agent: AgentSpec) -> proto::AgentSpec {
    proto::AgentSpec { class: agent.class, provider: agent.provider, kind: agent.kind }
}

fn to_agent(agent: Option<proto::AgentSpec>) -> Result<AgentSpec, Incomplete> {
    let agent = agent.ok_or(Incomplete("agent"))?;
    Ok(AgentSpec { class: agent.class, provider: agent.provider, kind: agent.kind })
}

fn from_operation(operation: Operation) -> proto::Operation {
    proto::Operation {
        resource: operation.resource.to_string(),
        agent: Some(from_agent(operation.agent)),
        action: operation.action,
        interval_ms: operation.interval_ms,
        timeout_ms: operation.timeout_ms,
        start_delay_ms: operation.start_delay_ms,
        parameters: operation
            .parameters
            .into_iter()
            .map(|(name, value)| proto::Parameter { name, value })
            .collect(),
        transition_key: operation.transition_key,
        node: operation.node,
    }
}

fn to_operation(operation: proto::Operation) -> Result<Operation, Incomplete> {
    let parameters: BTreeMap<String, String> = operation
        .parameters
        .into_iter()
        .map(|parameter| (parameter.name, parameter.value))
        .collect();
    Ok(Operation {
        resource: operation.resource.into(),
        agent: to_agent(operation.agent)?,
        action: operation.action,
        interval_ms: operation.interval_ms,
        timeout_ms: operation.timeout_ms,
        start_delay_ms: operation.start_delay_ms,
        parameters,
        transition_key: operation.transition_key,
        node: operation.node,
    })
}

fn from_record(record: OpRecord) -> proto::OpRecord {
    let pair = |(names, digest): (String, String)| proto::DigestPair { names, digest };
    proto::OpRecord {
        resource: record.resource.to_string(),
        agent: Some(from_agent(record.agent)),
        action: record.action,
        interval_ms: record.interval_ms,
        call_id: record.call_id,
        rc: record.rc,
        status: record.status.code(),
        exit_reason: record.exit_reason,
        transition_key: record.transition_key,
        last_rc_change_ms: record.last_rc_change.0,
        exec_time_ms: record.exec_time_ms,
        queue_time_ms: record.queue_time_ms,
        op_digest: record.op_digest,
        restart: record.restart.map(pair),
        secure: record.secure.map(pair),
        origin: record.origin,
    }
}

fn to_record(record: proto::OpRecord) -> Result<OpRecord, Incomplete> {
    let pair = |pair: proto::DigestPair| (pair.names, pair.digest);
    Ok(OpRecord {
        resource: record.resource.into(),
        agent: to_agent(record.agent)?,
        action: record.action,
        interval_ms: record.interval_ms,
        call_id: record.call_id,
        rc: record.rc,
        status: ExecStatus::from_code(record.status),
        exit_reason: record.exit_reason,
        transition_key: record.transition_key,
        last_rc_change: WallTime(record.last_rc_change_ms),
        exec_time_ms: record.exec_time_ms,
        queue_time_ms: record.queue_time_ms,
        op_digest: record.op_digest,
        restart: record.restart.map(pair),
        secure: record.secure.map(pair),
        origin: record.origin,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn authority() -> Authority {
        Authority { generation: Generation(3), term: Term(2), sequence: 1 }
    }

    fn agent() -> AgentSpec {
        AgentSpec { class: "lsb".to_owned(), provider: None, kind: "web".to_owned() }
    }

    #[test]
    fn every_command_comes_back_as_it_went() {
        let operation = Operation {
            resource: "web:1".into(),
            agent: agent(),
            action: "monitor".to_owned(),
            interval_ms: 10_000,
            timeout_ms: 20_000,
            start_delay_ms: 5,
            parameters: BTreeMap::from([("a".to_owned(), "b\n".to_owned())]),
            transition_key: "1:2:0:x".to_owned(),
            node: "ser1".to_owned(),
        };
        let cancel = HandsCommand::Cancel {
            authority: authority(),
            resource: "web".into(),
            action: "monitor".to_owned(),
            interval_ms: 10_000,
            transition_key: "1:2:0:x".to_owned(),
        };
        let forget = |operation| HandsCommand::Forget {
            authority: authority(),
            resource: "web".into(),
            operation,
        };
        for command in [
            HandsCommand::Join { authority: authority() },
            HandsCommand::Execute { authority: authority(), operation },
            cancel,
            forget(None),
            forget(Some(("start".to_owned(), 0))),
            HandsCommand::Acknowledge { through: 7 },
            HandsCommand::Quorate { quorate: true },
            HandsCommand::GiveWay,
            HandsCommand::Policy { stop_without_brain_ms: None },
            HandsCommand::Policy { stop_without_brain_ms: Some(3_000) },
        ] {
            assert_eq!(to_command(from_command(command.clone())), Ok(command));
        }
    }

    #[test]
    fn every_report_comes_back_as_it_went() {
        let record = OpRecord {
            resource: "web".into(),
            agent: agent(),
            action: "start".to_owned(),
            interval_ms: 0,
            call_id: -1,
            rc: 193,
            status: ExecStatus::Pending,
            exit_reason: "why".to_owned(),
            transition_key: "1:2:0:x".to_owned(),
            last_rc_change: WallTime(-5),
            exec_time_ms: 1,
            queue_time_ms: 2,
            op_digest: "d".to_owned(),
            restart: Some((" a ".to_owned(), "e".to_owned())),
            secure: None,
            origin: "hands".to_owned(),
        };
        for report in [
            HandsReport::History {
                authority: authority(),
                boot: BootId(u128::MAX - 5),
                hands: HandsId(9),
                records: vec![record.clone()],
            },
            HandsReport::Result { report: 4, record },
            HandsReport::Refused {
                authority: authority(),
                highest: authority(),
                transition_key: "k".to_owned(),
            },
        ] {
            assert_eq!(to_report(from_report(report.clone())), Ok(report));
        }
    }

    #[test]
    fn a_message_that_lacks_something_is_refused() {
        assert_eq!(to_command(proto::Command { kind: None }), Err(Incomplete("command.kind")));
        let execute = proto::command::Execute { authority: None, operation: None };
        let kind = Some(proto::command::Kind::Execute(execute));
        assert_eq!(to_command(proto::Command { kind }), Err(Incomplete("authority")));
    }
}

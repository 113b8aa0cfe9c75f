//! Passes what raft has to say (slog) on to tracing, under the target `raft`.

use std::fmt::Write as _;

use slog::KV as _;

/// Returns the logger to give to raft.
pub(super) fn logger() -> slog::Logger {
    slog::Logger::root(ToTracing, slog::o!())
}

struct ToTracing;

struct Fields(String);

impl slog::Serializer for Fields {
    fn emit_arguments(&mut self, key: slog::Key, value: &std::fmt::Arguments<'_>) -> slog::Result {
        Ok(write!(self.0, " {key}={value}")?)
    }
}

impl slog::Drain for ToTracing {
    type Ok = ();
    type Err = slog::Never;

    fn log(
        &self,
        record: &slog::Record<'_>,
        values: &slog::OwnedKVList,
    ) -> Result<Self::Ok, Self::Err> {
        let text = || {
            let mut fields = Fields(record.msg().to_string());
            let told = record.kv().serialize(record, &mut fields);
            let told = told.and_then(|()| values.serialize(record, &mut fields));
            if told.is_err() {
                fields.0.push_str(" (fields could not be shown)");
            }
            fields.0
        };
        // Raft's information is about its own machinery: one level down, to leave the log's lines
        // to decisions.
        match record.level() {
            slog::Level::Critical | slog::Level::Error => {
                tracing::error!(target: "raft", "{}", text());
            }
            slog::Level::Warning => tracing::warn!(target: "raft", "{}", text()),
            slog::Level::Info => tracing::debug!(target: "raft", "{}", text()),
            slog::Level::Debug | slog::Level::Trace => {
                if tracing::enabled!(target: "raft", tracing::Level::TRACE) {
                    tracing::trace!(target: "raft", "{}", text());
                }
            }
        }
        Ok(())
    }
}

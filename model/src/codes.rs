//! Numbers with a published meaning: OCF return codes, execution statuses, tools' exit codes.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! codes {
    ($(#[$doc:meta])* $name:ident : $repr:ty { $($(#[$vdoc:meta])* $variant:ident = $number:literal => $text:literal,)* } else $fallback:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name { $($(#[$vdoc])* $variant = $number,)* }

        impl $name {
            /// Returns the number that goes into histories and exit statuses.
            pub fn code(self) -> $repr {
                match self { $(Self::$variant => $number,)* }
            }

            /// Returns the code with this number; an unknown one becomes the generic error.
            pub fn from_code(code: $repr) -> Self {
                match code { $($number => Self::$variant,)* _ => Self::$fallback }
            }

            /// Returns the short text that status displays use.
            pub fn text(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.text())
            }
        }
    };
}

codes! {
    /// What an OCF agent's exit status means (OCF resource agent API 1.1, and Pacemaker's own
    /// internal codes from 189 up).
    OcfCode: i32 {
        /// Done, or running.
        Ok = 0 => "ok",
        /// Soft error.
        UnknownError = 1 => "error",
        /// Wrong parameters on this node.
        InvalidParam = 2 => "invalid parameter",
        /// The agent does not know the action.
        UnimplementFeature = 3 => "unimplemented feature",
        /// Not enough rights on this node.
        InsufficientPriv = 4 => "insufficient privileges",
        /// Something the agent needs is not on this node.
        NotInstalled = 5 => "not installed",
        /// Wrong configuration, on every node.
        NotConfigured = 6 => "not configured",
        /// Cleanly stopped.
        NotRunning = 7 => "not running",
        /// Running in the promoted role.
        RunningPromoted = 8 => "promoted",
        /// In the promoted role, and failed.
        FailedPromoted = 9 => "promoted (failed)",
        /// Running, but likely to fail soon.
        Degraded = 190 => "degraded",
        /// Promoted, but likely to fail soon.
        DegradedPromoted = 191 => "promoted (degraded)",
        /// No result is known yet.
        Unknown = 193 => "unknown",
    } else UnknownError
}

codes! {
    /// How an operation's execution went (`op-status` of a history entry).
    ExecStatus: i32 {
        /// No answer is known.
        Unknown = -2 => "UNKNOWN",
        /// Started, no result yet.
        Pending = -1 => "pending",
        /// The agent returned.
        Done = 0 => "complete",
        /// Cancelled before it ran or while it recurred.
        Cancelled = 1 => "Cancelled",
        /// Killed at its deadline.
        Timeout = 2 => "Timed Out",
        /// The agent or interpreter does not support it.
        NotSupported = 3 => "NOT SUPPORTED",
        /// The agent ran and failed.
        Error = 4 => "Error",
        /// Failed in a way that no node can mend.
        ErrorHard = 5 => "Hard error",
        /// Failed in a way that needs a human.
        ErrorFatal = 6 => "Fatal error",
        /// No agent could be found or started.
        NotInstalled = 7 => "Not installed",
        /// The executor went away.
        NotConnected = 8 => "Internal communication failure",
        /// The action could not be tried.
        Invalid = 9 => "Cannot execute now",
        /// No fence device.
        NoFenceDevice = 10 => "No fence device",
        /// Agent is missing secrets.
        NoSecrets = 11 => "CIB secrets unavailable",
    } else Unknown
}

codes! {
    /// Exit statuses of the command line tools (CONVENTIONS.md §2).
    ExitCode: i32 {
        /// Success.
        Ok = 0 => "OK",
        /// Unspecified error.
        Error = 1 => "Error occurred",
        /// Invalid parameter.
        InvalidParam = 2 => "Invalid parameter",
        /// Not implemented.
        UnimplementFeature = 3 => "Unimplemented",
        /// Insufficient privileges.
        InsufficientPriv = 4 => "Insufficient privileges",
        /// Not installed.
        NotInstalled = 5 => "Not installed",
        /// Not configured.
        NotConfigured = 6 => "Not configured",
        /// Not running.
        NotRunning = 7 => "Not running",
        /// Wrong usage of the command line.
        Usage = 64 => "Incorrect usage",
        /// User-supplied data is wrong.
        DataErr = 65 => "Invalid data given",
        /// Input file unreadable.
        NoInput = 66 => "Input file not available",
        /// User unknown.
        NoUser = 67 => "User does not exist",
        /// Host unknown.
        NoHost = 68 => "Host does not exist",
        /// A needed service is not there.
        Unavailable = 69 => "Necessary service unavailable",
        /// Internal error.
        Software = 70 => "Internal software bug",
        /// Operating system error.
        OsErr = 71 => "Operating system error occurred",
        /// System file missing.
        OsFile = 72 => "System file not available",
        /// Output cannot be created.
        CantCreat = 73 => "Cannot create output file",
        /// I/O error.
        IoErr = 74 => "I/O error occurred",
        /// Try again.
        TempFail = 75 => "Temporary failure, try again",
        /// Protocol violated.
        Protocol = 76 => "Protocol violated",
        /// No permission.
        NoPerm = 77 => "Insufficient privileges",
        /// Configuration wrong.
        Config = 78 => "Invalid configuration",
        /// Fatal error, do not respawn.
        Fatal = 100 => "Fatal error occurred, will not respawn",
        /// Reboot wanted.
        Panic = 101 => "System panic required",
        /// Lost connection.
        Disconnect = 102 => "Not connected",
        /// Update older than what is there.
        Old = 103 => "Update was older than existing configuration",
        /// Digests differ.
        Digest = 104 => "Digest mismatch",
        /// No such object.
        NoSuch = 105 => "No such object",
        /// No quorum.
        Quorum = 106 => "Quorum lost",
        /// Unsafe without force.
        Unsafe = 107 => "Operation is unsafe",
        /// Object exists.
        Exists = 108 => "Already exists",
        /// More than one match.
        Multiple = 109 => "Multiple items match",
        /// Expired.
        Expired = 110 => "Requested item has expired",
        /// Not yet in effect.
        NotYetInEffect = 111 => "Requested item is not yet in effect",
        /// Cannot say.
        Indeterminate = 112 => "Could not determine status",
        /// Not satisfied.
        Unsatisfied = 113 => "Requested conditions were not met",
        /// No DC.
        NoDc = 114 => "DC is not yet elected",
        /// Timed out.
        Timeout = 124 => "Timeout occurred",
    } else Error
}

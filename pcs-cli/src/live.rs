//! The running cluster on this host, over its brain's socket. A tool makes few calls, so they
//! block; the small runtime they need is made with the first one.

use std::path::PathBuf;
use std::time::Duration;

use tokio::runtime::Runtime;
use tonic::transport::Channel;

use crate::cib_source::{Cluster, SourceError};
use cib::Element;
use cib::edit::{EditError, Request, Target};
use model::{ExitCode, Paths};
use view::live::LiveInfo;
use wire::tools::cluster_client::ClusterClient;
use wire::tools::{
    Action, AttributeReply, AttributeRequest, Caller, Change, InfoRequest, Outcome, QueryRequest,
    WatchRequest,
};

/// Why the cluster could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum LiveError {
    /// Nobody listens: the cluster does not run on this host.
    #[error("cluster is not currently running on this node")]
    NotRunning,
    /// Somebody listens and the call failed.
    #[error("the cluster's daemon did not answer: {0}")]
    Failed(String),
    /// The access lists do not let this user.
    #[error("{0}")]
    Denied(String),
    /// It was asked for a change while only a plan was wanted.
    #[error("this can't be planned: part of it is no change of the configuration")]
    ReadOnly,
    /// It answered what makes no sense.
    #[error("the cluster's daemon answered what makes no sense: {0}")]
    Nonsense(String),
}

impl LiveError {
    /// Returns the exit status that tools use for it.
    pub fn code(&self) -> ExitCode {
        match self {
            Self::NotRunning => ExitCode::Disconnect,
            Self::Failed(_) => ExitCode::Protocol,
            Self::Denied(_) => ExitCode::InsufficientPriv,
            Self::ReadOnly => ExitCode::Usage,
            Self::Nonsense(_) => ExitCode::Software,
        }
    }
}

/// A connection to this host's brain.
#[derive(Debug)]
pub struct Live {
    runtime: Runtime,
    client: ClusterClient<Channel>,
    caller: Caller,
    read_only: bool,
}

impl Live {
    /// Returns the connection with nothing that could change anything.
    pub fn read_only(self) -> Self {
        Self { read_only: true, ..self }
    }

    fn writable(&self) -> Result<(), LiveError> {
        if self.read_only { Err(LiveError::ReadOnly) } else { Ok(()) }
    }

    /// Connects to the brain whose socket `SYSTOLE_ROOT` and the usual path name.
    ///
    /// # Errors
    /// The cluster does not run here.
    pub fn connect(tool: &str) -> Result<Self, LiveError> {
        let paths = Paths::under(std::env::var_os(model::paths::ROOT_VARIABLE));
        Self::connect_to(paths.node_socket(), tool)
    }

    /// Connects to the brain that listens on `socket`.
    ///
    /// # Errors
    /// Nobody listens there.
    pub fn connect_to(socket: PathBuf, tool: &str) -> Result<Self, LiveError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|e| LiveError::Failed(e.to_string()))?;
        let client = runtime
            .block_on(wire::client::cluster(&socket))
            .map_err(|_nobody| LiveError::NotRunning)?;
        let own_name = || {
            let id = nix::unistd::geteuid();
            if id.is_root() {
                return "root".to_owned();
            }
            let user = nix::unistd::User::from_uid(id).ok().flatten();
            user.map_or_else(|| id.to_string(), |user| user.name)
        };
        let user = std::env::var("CIB_user").unwrap_or_else(|_| own_name());
        Ok(Self {
            runtime,
            client,
            caller: Caller { user, client: tool.to_owned(), groups: Vec::new() },
            read_only: false,
        })
    }

    /// Changes the configuration; returns when the change is committed, or refused.
    ///
    /// # Errors
    /// The call failed; whether the change was made is then unknown.
    pub fn change(&mut self, change: Change) -> Result<Outcome, LiveError> {
        self.writable()?;
        let change = Change { caller: Some(self.caller.clone()), ..change };
        Ok(self.runtime.block_on(self.client.apply(change)).map_err(failed)?.into_inner())
    }

    /// Changes the configuration, if it is still of the version (`admin_epoch.epoch`) that `base`
    /// names; the error's code is [`ExitCode::Old`] when it is not.
    ///
    /// # Errors
    /// The change was refused, or the call failed.
    pub fn change_from(&mut self, request: &Request, base: String) -> Result<(), SourceError> {
        let change = Change { base, ..to_wire(request) };
        accepted(&self.change(change)?)
    }

    /// Has the cluster do something; returns when it is done, or accepted where it takes time.
    ///
    /// # Errors
    /// The call failed.
    pub fn act(&mut self, kind: wire::tools::action::Kind) -> Result<Outcome, LiveError> {
        self.writable()?;
        let action = Action { caller: Some(self.caller.clone()), kind: Some(kind) };
        Ok(self.runtime.block_on(self.client.act(action)).map_err(failed)?.into_inner())
    }

    /// Waits for a moment, where this node does not know yet what the others decided.
    pub fn pause(&mut self, time: Duration) {
        self.runtime.block_on(async { tokio::time::sleep(time).await });
    }

    /// Waits until no transition is in progress; false when that took longer than `patience`.
    ///
    /// # Errors
    /// The call failed, or no node decides.
    pub fn wait_idle(&mut self, patience: Duration) -> Result<bool, LiveError> {
        let timeout_ms = u64::try_from(patience.as_millis()).unwrap_or(u64::MAX);
        let wait = wire::tools::action::WaitIdle { timeout_ms };
        let outcome = self.act(wire::tools::action::Kind::WaitIdle(wait))?;
        match ExitCode::from_code(outcome.code) {
            ExitCode::Ok => Ok(true),
            ExitCode::Timeout => Ok(false),
            _ => Err(LiveError::Failed(outcome.message)),
        }
    }

    /// Asks for transient attributes, or sets or takes one away.
    ///
    /// # Errors
    /// The call failed.
    pub fn attributes(&mut self, request: AttributeRequest) -> Result<AttributeReply, LiveError> {
        if request.verb() != wire::tools::attribute_request::Verb::Query {
            self.writable()?;
        }
        let request = AttributeRequest { caller: Some(self.caller.clone()), ..request };
        Ok(self.runtime.block_on(self.client.attributes(request)).map_err(failed)?.into_inner())
    }

    /// Returns what is known beside the document.
    ///
    /// # Errors
    /// The call failed.
    pub fn info(&mut self) -> Result<LiveInfo, LiveError> {
        let request = InfoRequest { caller: Some(self.caller.clone()) };
        let answer = self.runtime.block_on(self.client.info(request)).map_err(failed)?;
        serde_json::from_str(&answer.into_inner().text)
            .map_err(|e| LiveError::Nonsense(e.to_string()))
    }

    /// Waits until something happens in the cluster, but no longer than `limit`.
    ///
    /// # Errors
    /// The call failed.
    pub fn wait_for_event(&mut self, limit: Duration) -> Result<(), LiveError> {
        let Self { runtime, client, caller, .. } = self;
        let event = async {
            let mut stream = client
                .watch(WatchRequest { caller: Some(caller.clone()) })
                .await
                .map_err(failed)?
                .into_inner();
            stream.message().await.map(drop).map_err(failed)
        };
        runtime.block_on(async { tokio::time::timeout(limit, event).await }).unwrap_or(Ok(()))
    }

    /// Calls `each` with every event of the journal (a JSON object) from now on, until it returns
    /// false or the brain ends.
    ///
    /// # Errors
    /// The call failed.
    pub fn watch(&mut self, mut each: impl FnMut(&str) -> bool) -> Result<(), LiveError> {
        self.runtime.block_on(async {
            let mut stream = self
                .client
                .watch(WatchRequest { caller: None })
                .await
                .map_err(failed)?
                .into_inner();
            while let Some(line) = stream.message().await.map_err(failed)? {
                if !each(&line.text) {
                    break;
                }
            }
            Ok(())
        })
    }
}

#[allow(clippy::needless_pass_by_value, reason = "for map_err")]
fn failed(status: tonic::Status) -> LiveError {
    match status.code() {
        tonic::Code::Unavailable => LiveError::NotRunning,
        tonic::Code::PermissionDenied => LiveError::Denied(status.message().to_owned()),
        _ => LiveError::Failed(status.message().to_owned()),
    }
}

impl From<LiveError> for SourceError {
    fn from(error: LiveError) -> Self {
        match error {
            LiveError::NotRunning => Self::NotConnected,
            LiveError::Failed(_)
            | LiveError::Denied(_)
            | LiveError::ReadOnly
            | LiveError::Nonsense(_) => {
                Self::Cluster { code: error.code(), message: error.to_string() }
            }
        }
    }
}

impl Live {
    /// Returns the document with an empty status section: the status is most of a large document,
    /// and who changes the configuration has no use for it.
    ///
    /// # Errors
    /// The call failed.
    pub fn configuration(&mut self) -> Result<Element, SourceError> {
        let request = QueryRequest { without_status: true, ..QueryRequest::default() };
        // a brain of an earlier version sends the status all the same
        self.ask(request).map(with_empty_status)
    }

    /// Returns the status section, with the histories of these primitives only.
    ///
    /// # Errors
    /// The call failed.
    pub fn histories(&mut self, primitives: Vec<String>) -> Result<Element, SourceError> {
        let section = "status".to_owned();
        self.ask(QueryRequest { section, histories_of: primitives, ..QueryRequest::default() })
    }

    fn ask(&mut self, request: QueryRequest) -> Result<Element, SourceError> {
        let request = QueryRequest { caller: Some(self.caller.clone()), ..request };
        let answer = self.runtime.block_on(self.client.query(request)).map_err(failed)?;
        let xml = answer.into_inner().xml;
        let text = std::str::from_utf8(&xml).map_err(|e| LiveError::Nonsense(e.to_string()))?;
        cib::parse(text).map_err(|e| LiveError::Nonsense(e.to_string()).into())
    }
}

/// Returns a document without what its status section holds.
pub(crate) fn with_empty_status(mut document: Element) -> Element {
    document.retain_children(|child| child.name() != "status");
    document.with_child(Element::new("status"))
}

impl Cluster for Live {
    fn query(&mut self, section: Option<&str>) -> Result<Element, SourceError> {
        let section = section.unwrap_or_default().to_owned();
        self.ask(QueryRequest { section, ..QueryRequest::default() })
    }

    fn change(&mut self, request: &Request) -> Result<(), SourceError> {
        accepted(&Self::change(self, to_wire(request))?)
    }
}

fn accepted(outcome: &Outcome) -> Result<(), SourceError> {
    match ExitCode::from_code(outcome.code) {
        ExitCode::Ok => Ok(()),
        code => Err(EditError { code, message: outcome.message.clone() }.into()),
    }
}

/// Returns a request's wire form.
fn to_wire(request: &Request) -> Change {
    let (action, target, xml) = match request {
        Request::Create { target, xml } => ("create", Some(target), Some(xml)),
        Request::Modify { target, xml, .. } => ("modify", Some(target), Some(xml)),
        Request::Replace { target, xml } => ("replace", Some(target), Some(xml)),
        Request::Delete { target, xml } => ("delete", Some(target), xml.as_ref()),
        Request::DeleteAll { target, xml } => ("delete-all", Some(target), xml.as_ref()),
        Request::Patch(patch) => ("patch", None, Some(patch)),
        Request::Upgrade => ("upgrade", None, None),
        Request::Erase => ("erase", None, None),
        Request::Bump => ("bump", None, None),
    };
    let (section, xpath) = match target {
        Some(Target::Section(name)) => (name.clone(), String::new()),
        Some(Target::XPath(path)) => (String::new(), path.clone()),
        Some(Target::Document) | None => (String::new(), String::new()),
    };
    Change {
        action: action.to_owned(),
        xml: xml.map(Element::to_xml).unwrap_or_default(),
        section,
        xpath,
        allow_create: matches!(request, Request::Modify { allow_create: true, .. }),
        ..Change::default()
    }
}

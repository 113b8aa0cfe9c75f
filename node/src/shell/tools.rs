//! The socket that tools on this host talk to: gRPC in, the brain's loop behind.

use std::path::Path;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, oneshot};
use tokio_stream::wrappers::UnixListenerStream;
use tokio_stream::{Stream, StreamExt as _};
use tonic::transport::Server;
use tonic::{Request, Response, Status};

use cib::{Element, Texts};
use wire::client::MESSAGE_MAX;
use wire::tools::cluster_server::{Cluster, ClusterServer};
use wire::tools::{
    Action, AttributeReply, AttributeRequest, Caller, Change, Document, InfoRequest, Json, Outcome,
    QueryRequest, WatchRequest,
};

use super::permit::{self, Peer};
use super::showing::Shown;
use crate::core::message::{self, ToolId, ToolRequest};
use crate::wire::{action_from_wire, attribute_request, change_from_wire, outcome_to_wire};

use super::guests;

/// (node, name, value) each, or why there is no answer.
pub(crate) type FoundAttributes = Result<Vec<(String, String, String)>, message::Outcome>;

/// What a tool asks of the loop.
#[derive(Debug)]
pub(crate) enum ToolInput {
    /// A request with its answer's way back.
    Asked { id: ToolId, request: ToolRequest, reply: oneshot::Sender<message::Outcome> },
    /// The tool is gone before its answer.
    Gone(ToolId),
    /// Read corosync.conf again.
    Reload(oneshot::Sender<message::Outcome>),
    /// What is known beside the document, as JSON.
    Info(oneshot::Sender<String>),
    /// Attributes of a node, or of all; `None` in the name means every name.
    Attributes {
        node: Option<String>,
        name: Option<String>,
        reply: oneshot::Sender<FoundAttributes>,
    },
    /// Which node a tool means: its own for an empty name.
    Resolve { node: String, reply: oneshot::Sender<Option<model::NodeId>> },
}

/// Listens on the tools' socket; ends with the process.
pub(crate) fn serve(
    socket: &Path,
    uidgid_dir: &Path,
    inputs: mpsc::Sender<ToolInput>,
    shown: Shown,
) -> std::io::Result<()> {
    match std::fs::remove_file(socket) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(socket)?;
    admit(socket, uidgid_dir)?;
    let tools = Tools { inputs, shown, texts: Mutex::default(), next: Arc::new(AtomicU64::new(1)) };
    let service = ClusterServer::new(tools)
        .max_decoding_message_size(MESSAGE_MAX)
        .max_encoding_message_size(MESSAGE_MAX);
    tokio::spawn(async move {
        let incoming = UnixListenerStream::new(listener).map(|tool| tool.inspect(widen));
        let served = Server::builder().add_service(service).serve_with_incoming(incoming).await;
        if let Err(error) = served {
            tracing::error!(%error, "the tools' socket ended");
        }
    });
    Ok(())
}

/// Takes all histories but those of these primitives and their instances out of a document.
fn keep_histories(document: &mut Element, primitives: &[String]) {
    let is_meant = |history: &Element| {
        let id = history.id().unwrap_or_default();
        primitives.iter().any(|name| id == name || id.split(':').next() == Some(name))
    };
    for node in document.child_mut("status").into_iter().flat_map(Element::children_mut) {
        if let Some(histories) = node.at_mut(&["lrm", "lrm_resources"]) {
            histories.retain_children(is_meant);
        }
    }
}

/// Has a large document go out at once: with the kernel's own 200 KiB the two sides take turns for
/// every piece, each waiting for the processor in between. Only what is on its way takes memory.
fn widen(tool: &UnixStream) {
    use nix::sys::socket::{setsockopt, sockopt};
    const SEND_BUFFER: usize = 8 << 20;
    if setsockopt(tool, sockopt::SndBufForce, &SEND_BUFFER).is_err()
        && let Err(error) = setsockopt(tool, sockopt::SndBuf, &SEND_BUFFER)
    {
        tracing::debug!(%error, "documents go out in small pieces");
    }
}

/// Lets root in, the group `haclient`, where there is such a group, those of `pcs cluster uidgid`,
/// and nobody else: whoever may connect may change the cluster.
fn admit(socket: &Path, uidgid_dir: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let group = nix::unistd::Group::from_name("haclient").ok().flatten();
    if let Some(group) = &group {
        // in a user namespace with one id the group cannot be given; root alone is then admitted
        if let Err(error) = nix::unistd::chown(socket, None, Some(group.gid)) {
            tracing::warn!(%error, "the group haclient cannot be let in");
        }
    }
    let mode = if group.is_some() { 0o660 } else { 0o600 };
    std::fs::set_permissions(socket, std::fs::Permissions::from_mode(mode))?;
    let guests = guests::read(uidgid_dir);
    if !guests.is_empty()
        && let Err(error) = guests::admit(socket, &guests, group.is_some())
    {
        tracing::warn!(%error, "the users of 'pcs cluster uidgid' cannot be let in");
    }
    Ok(())
}

struct Tools {
    inputs: mpsc::Sender<ToolInput>,
    shown: Shown,
    texts: Mutex<Texts>,
    next: Arc<AtomicU64>,
}

/// Tells the loop when a tool goes away before its answer.
struct Waiting {
    id: ToolId,
    inputs: mpsc::Sender<ToolInput>,
    answered: bool,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if !self.answered {
            // a full queue means that the loop is stuck; it will answer into the void
            let _told = self.inputs.try_send(ToolInput::Gone(self.id));
        }
    }
}

fn ending<E>(_gone: E) -> Status {
    Status::unavailable("the brain of this node is ending")
}

impl Tools {
    /// Returns for whom somebody asks, and the document whose lists bind them.
    async fn admitted(
        &self,
        peer: Peer,
        claimed: Option<Caller>,
    ) -> Result<(Caller, Arc<Element>), Status> {
        let document = Arc::clone(&self.shown.document.borrow());
        if !cib::acl::enabled(&document) {
            return Ok((peer.caller(claimed, &document), document));
        }
        // looking groups up may go over the network
        let found = tokio::task::spawn_blocking(move || {
            let caller = peer.caller(claimed, &document);
            (caller, document)
        });
        found.await.map_err(ending)
    }

    /// Returns the text of the document, or of a part of it; what was written before and has not
    /// changed is not written again.
    fn text(&self, document: &Element, part: &Element) -> String {
        let mut texts = self.texts.lock().unwrap_or_else(PoisonError::into_inner);
        texts.keep_only(document);
        texts.text(part)
    }

    async fn ask(&self, request: ToolRequest) -> Result<Response<Outcome>, Status> {
        let id = ToolId(self.next.fetch_add(1, Ordering::Relaxed));
        let (reply, answer) = oneshot::channel();
        self.inputs.send(ToolInput::Asked { id, request, reply }).await.map_err(ending)?;
        let mut waiting = Waiting { id, inputs: self.inputs.clone(), answered: false };
        let outcome = answer.await.map_err(ending)?;
        waiting.answered = true;
        Ok(Response::new(outcome_to_wire(outcome)))
    }
}

#[tonic::async_trait]
impl Cluster for Tools {
    async fn query(&self, request: Request<QueryRequest>) -> Result<Response<Document>, Status> {
        let peer = Peer::of(request.extensions())?;
        let QueryRequest { section, caller, without_status, histories_of } = request.into_inner();
        let (caller, document) = self.admitted(peer, caller).await?;
        let mut part = permit::readable(&caller, &document)?;
        if !histories_of.is_empty() {
            let mut fewer = part.unwrap_or_else(|| Element::clone(&document));
            keep_histories(&mut fewer, &histories_of);
            part = Some(fewer);
        }
        let seen = part.as_ref().unwrap_or(&document);
        let xml = if !section.is_empty() {
            match seen.descendants().find(|element| element.name() == section) {
                Some(found) => found.to_xml(),
                None => return Err(Status::not_found(format!("there is no section {section}"))),
            }
        } else if without_status {
            let mut bare = seen.clone();
            bare.retain_children(|child| child.name() != "status");
            self.text(&document, &bare)
        } else {
            self.text(&document, seen)
        };
        Ok(Response::new(Document { xml: xml.into() }))
    }

    async fn apply(&self, request: Request<Change>) -> Result<Response<Outcome>, Status> {
        let peer = Peer::of(request.extensions())?;
        let mut change = request.into_inner();
        // whether it may is judged by the DC, on the document the change meets
        change.caller = Some(self.admitted(peer, change.caller).await?.0);
        self.ask(ToolRequest::Change(change_from_wire(change))).await
    }

    async fn act(&self, request: Request<Action>) -> Result<Response<Outcome>, Status> {
        use wire::tools::action::Kind;
        let peer = Peer::of(request.extensions())?;
        let mut request = request.into_inner();
        let (caller, document) = self.admitted(peer, request.caller.take()).await?;
        match &request.kind {
            Some(Kind::Leave(_) | Kind::Reload(_) | Kind::ExpectedVotes(_) | Kind::Unblock(_)) => {
                permit::may_manage(&caller, &document)?
            }
            Some(Kind::Cleanup(_) | Kind::Refresh(_) | Kind::Fail(_)) => {
                permit::may_change_status(&caller, &document)?;
            }
            Some(Kind::WaitIdle(_)) | None => permit::may_see_status(&caller, &document)?,
        }
        request.caller = Some(caller);
        if matches!(request.kind, Some(Kind::Reload(_))) {
            let (reply, answer) = oneshot::channel();
            self.inputs.send(ToolInput::Reload(reply)).await.map_err(ending)?;
            let outcome = answer.await.map_err(ending)?;
            return Ok(Response::new(outcome_to_wire(outcome)));
        }
        let (caller, action) = action_from_wire(request)
            .ok_or_else(|| Status::invalid_argument("an action this version does not know"))?;
        self.ask(ToolRequest::Act { caller, action }).await
    }

    async fn attributes(
        &self,
        request: Request<AttributeRequest>,
    ) -> Result<Response<AttributeReply>, Status> {
        let peer = Peer::of(request.extensions())?;
        let mut request = request.into_inner();
        let (caller, document) = self.admitted(peer, request.caller.take()).await?;
        let query = i32::from(wire::tools::attribute_request::Verb::Query as u8);
        if request.verb == query {
            permit::may_see_status(&caller, &document)?;
        } else {
            permit::may_change_status(&caller, &document)?;
        }
        request.caller = Some(caller);
        if request.verb == query {
            let name = (!request.name.is_empty()).then_some(request.name);
            let node = (request.node != "*").then_some(request.node);
            let (reply, answer) = oneshot::channel();
            let input = ToolInput::Attributes { node, name, reply };
            self.inputs.send(input).await.map_err(ending)?;
            let found = answer.await.map_err(ending)?;
            return Ok(Response::new(crate::wire::attribute_reply(found)));
        }
        let (reply, answer) = oneshot::channel();
        let input = ToolInput::Resolve { node: request.node.clone(), reply };
        self.inputs.send(input).await.map_err(ending)?;
        let Some(node) = answer.await.map_err(ending)? else {
            let text = format!("node '{}' is unknown", request.node);
            let outcome = message::Outcome::refused(model::ExitCode::NoSuch, text);
            return Ok(Response::new(crate::wire::attribute_reply(Err(outcome))));
        };
        let (caller, change) = attribute_request(node, request);
        let done =
            self.ask(ToolRequest::Attributes { caller, changes: vec![change] }).await?.into_inner();
        Ok(Response::new(AttributeReply {
            code: done.code,
            message: done.message,
            values: Vec::new(),
        }))
    }

    async fn info(&self, request: Request<InfoRequest>) -> Result<Response<Json>, Status> {
        let peer = Peer::of(request.extensions())?;
        let (caller, document) = self.admitted(peer, request.into_inner().caller).await?;
        permit::may_see_status(&caller, &document)?;
        let (reply, answer) = oneshot::channel();
        self.inputs.send(ToolInput::Info(reply)).await.map_err(ending)?;
        Ok(Response::new(Json { text: answer.await.map_err(ending)? }))
    }

    type WatchStream = Pin<Box<dyn Stream<Item = Result<Json, Status>> + Send>>;

    async fn watch(
        &self,
        request: Request<WatchRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let peer = Peer::of(request.extensions())?;
        let (caller, document) = self.admitted(peer, request.into_inner().caller).await?;
        permit::may_see_status(&caller, &document)?;
        let lines = tokio_stream::wrappers::BroadcastStream::new(self.shown.journal.subscribe());
        let stream = lines.map(|line| match line {
            Ok(text) => Ok(Json { text }),
            Err(_lagged) => Err(Status::data_loss("too slow: some events were left out")),
        });
        Ok(Response::new(Box::pin(stream)))
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn histories_that_nobody_asked_for_are_left_out_and_nothing_else() {
        let text = "<cib><configuration><resources><primitive id=\"A\"/></resources></configuration><status>\
            <node_state id=\"1\"><transient_attributes id=\"1\"/><lrm id=\"1\"><lrm_resources>\
            <lrm_resource id=\"A\"/><lrm_resource id=\"A:0\"/><lrm_resource id=\"AB\"/><lrm_resource id=\"B:1\"/>\
            </lrm_resources></lrm></node_state><node_state id=\"2\"/></status></cib>";
        let kept = |primitives: &[&str]| {
            let mut document = cib::parse(text).unwrap();
            let names: Vec<String> = primitives.iter().map(|name| (*name).to_owned()).collect();
            super::keep_histories(&mut document, &names);
            document.to_xml_compact()
        };
        let without = |ids: &[&str]| {
            let gone = ids.iter().map(|id| format!("<lrm_resource id=\"{id}\"/>"));
            gone.fold(text.to_owned(), |text, gone| text.replace(&gone, ""))
        };
        assert_eq!(kept(&["A"]), without(&["AB", "B:1"]));
        assert_eq!(kept(&["B", "AB"]), without(&["A", "A:0"]));
    }
}

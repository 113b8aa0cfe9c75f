//! Answers of `/remote/NAME`: what this host does and tells for others.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use model::Paths;
use nix::unistd::{Group, User, getgrouplist};
use pcs::cluster::known_hosts::KnownHosts;
use pcs::cluster::protocol::{
    FileRequest, FilesAnswer, HostState, KnownHostsChange, Request, SUPERUSER, USERS_GROUP,
};
use tokio::sync::{Mutex, Semaphore};

use crate::certificate::Shown;
use crate::form::Form;
use crate::services::Services;
use crate::store::{self, PUBLIC, SECRET};
use crate::users::pam::{self, Verdict};
use crate::users::password;
use crate::users::permissions::{self, Caller};
use crate::users::tokens::{Tokens, TokensError};
use crate::{booth, brain, certificate, files};

/// Guessing passwords must not be cheaper than this, right or wrong user alike.
const FAILURE_DELAY: Duration = Duration::from_secs(1);

/// Each check costs a key derivation and perhaps a PAM process; more at once is guessing.
const CHECKS_AT_ONCE: usize = 4;

/// The status is read from this host's brain, which answers at once when it runs.
const STATUS_PATIENCE: Duration = Duration::from_secs(30);

/// Logs may be large.
const REPORT_PATIENCE: Duration = Duration::from_secs(240);

/// Who destroys a cluster has stopped it, or does not care for how it ends.
const DESTROY_PATIENCE: Duration = Duration::from_secs(120);

/// Who is at the other end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    /// Somebody on the network, with or without a token.
    Remote {
        /// The cookie's token.
        token: Option<String>,
    },
    /// A process on this host, known to the kernel.
    Local {
        /// Its user.
        uid: u32,
        /// The token of another user, with `pcs client local-auth`.
        token: Option<String>,
    },
}

/// An answer: an HTTP status and a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    /// 200 when it was done.
    pub(crate) status: u16,
    /// Text for people, or JSON.
    pub(crate) body: String,
}

fn ok(body: impl Into<String>) -> Reply {
    Reply { status: 200, body: body.into() }
}

fn refused(body: impl Into<String>) -> Reply {
    Reply { status: 400, body: body.into() }
}

/// Turns what was done into a reply: a text, or one sentence why not.
fn reply(result: Result<String, String>) -> Reply {
    match result {
        Ok(text) => ok(text),
        Err(reason) => refused(reason),
    }
}

fn json<T: serde::Serialize>(value: &T) -> Reply {
    match serde_json::to_string(value) {
        Ok(text) => ok(text),
        Err(error) => Reply { status: 500, body: error.to_string() },
    }
}

/// Everything the answers need.
#[derive(Debug)]
pub(crate) struct Remote {
    paths: Paths,
    services: Services,
    tokens: Mutex<Tokens>,
    certificate: Arc<Shown>,
    /// Held while files of the cluster change, so that two requests do not mix.
    files: Mutex<()>,
    checks: Semaphore,
}

impl Remote {
    /// Loads what this host has given out.
    pub(crate) fn new(
        paths: Paths,
        services: Services,
        certificate: Arc<Shown>,
    ) -> Result<Self, TokensError> {
        let tokens = Mutex::new(Tokens::load(&paths.pcsd_users())?);
        let (files, checks) = (Mutex::new(()), Semaphore::new(CHECKS_AT_ONCE));
        Ok(Self { paths, services, tokens, certificate, files, checks })
    }

    /// Answers one request.
    pub(crate) async fn answer(self: &Arc<Self>, peer: Peer, name: &str, form: Form) -> Reply {
        let Some(request) = Request::named(name) else {
            return Reply { status: 404, body: format!("pcsd knows no request '{name}'") };
        };
        if request == Request::Auth {
            return self.give_token(&form).await;
        }
        let Some(caller) = self.caller(&peer).await else {
            return Reply { status: 401, body: r#"{"notauthorized":"true"}"#.to_owned() };
        };
        let right = match permissions::right_of(&self.paths.pcsd_settings(), &caller) {
            Ok(right) => right,
            Err(error) => return Reply { status: 500, body: store::chain(&error) },
        };
        if right < request.right() {
            tracing::warn!(user = caller.user, name, "not permitted");
            return Reply { status: 403, body: "Permission denied".to_owned() };
        }
        tracing::debug!(user = caller.user, name, "asked");
        // A client that goes away must not leave work half done.
        let this = Arc::clone(self);
        let work = tokio::spawn(async move { this.act(request, &peer, &form).await });
        work.await.unwrap_or_else(|_| Reply {
            status: 500,
            body: "pcsd failed while it did this, see /var/log/pcsd/pcsd.log".to_owned(),
        })
    }

    async fn act(&self, request: Request, peer: &Peer, form: &Form) -> Reply {
        match request {
            Request::Auth => self.give_token(form).await,
            Request::CheckAuth => ok(r#"{"success":true}"#),
            Request::CheckHost | Request::Status => match self.host_state().await {
                Ok(state) => json(&state),
                Err(reason) => refused(reason),
            },
            Request::ClusterStart => reply(self.start().await),
            Request::ClusterStop => reply(self.stop(form).await),
            Request::ClusterEnable => reply(self.enable(true).await),
            Request::ClusterDisable => reply(self.enable(false).await),
            Request::ClusterDestroy => reply(self.destroy(form).await),
            Request::PacemakerNodeStatus => json(&brain::join_state(&self.paths).await),
            Request::GetCorosyncConf => reply(self.get_corosync_conf()),
            Request::SetCorosyncConf => reply(self.set_corosync_conf(form).await),
            Request::ReloadCorosyncConf => reply(brain::reload(&self.paths).await),
            Request::PutFile => self.put_files(form).await,
            Request::RemoveFile => self.remove_files(form).await,
            Request::KnownHostsChange => reply(self.change_known_hosts(form).await),
            Request::GetQuorumInfo => match brain::quorum_state(&self.paths).await {
                Ok(state) => json(&state),
                Err(reason) => refused(reason),
            },
            Request::RemoveNodesFromCib => reply(self.remove_nodes(form).await),
            Request::SetCerts => reply(self.set_certificate(form).await),
            Request::GetBoothConfig => match booth::read(&self.paths, form.get("name")) {
                Ok(files) => json(&files),
                Err(reason) => refused(reason),
            },
            Request::SetBoothConfig => reply(self.set_booth(form).await),
            Request::ClusterStatus => reply(status(form).await),
            Request::Report => reply(report(form).await),
            Request::AcceptToken => reply(self.accept_token(peer, form).await),
            Request::DropTokens => reply(self.drop_tokens(peer, form).await),
            Request::SetPassword => reply(self.set_password(peer, form).await),
        }
    }

    /// Finds out who asks; `None` when that cannot be proven.
    async fn caller(&self, peer: &Peer) -> Option<Caller> {
        let user = match peer {
            Peer::Remote { token } => {
                let tokens = self.tokens.lock().await;
                tokens.user_of(token.as_deref()?)?.to_owned()
            }
            Peer::Local { uid, token } => {
                let tokens = self.tokens.lock().await;
                match token.as_deref().and_then(|token| tokens.user_of(token)) {
                    Some(user) => user.to_owned(),
                    None => User::from_uid((*uid).into()).ok().flatten()?.name,
                }
            }
        };
        let groups = groups_of(&user);
        Some(Caller { user, groups })
    }

    /// Gives a token for a right user and password; an empty text for a wrong one.
    async fn give_token(&self, form: &Form) -> Reply {
        let (user, password) = (form.get("username"), form.get("password"));
        let Ok(_permit) = self.checks.acquire().await else { return ok("") };
        if !self.is_right(user, password).await {
            tracing::warn!(user, "wrong user or password");
            tokio::time::sleep(FAILURE_DELAY).await;
            return ok("");
        }
        let seconds = SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs());
        match self.tokens.lock().await.give(user, seconds.to_string()) {
            Ok(token) => {
                tracing::info!(user, "authorized, gave a token");
                ok(token)
            }
            Err(error) => Reply { status: 500, body: store::chain(&error) },
        }
    }

    /// Checks a password against the cluster's own and then the system's.
    async fn is_right(&self, user: &str, password: &str) -> bool {
        if user.is_empty() || password.is_empty() {
            return false;
        }
        if user == SUPERUSER {
            let (path, password) = (self.paths.pcsd_password(), password.to_owned());
            let own = tokio::task::spawn_blocking(move || password::verify(&path, &password)).await;
            match own {
                Ok(Ok(true)) => return true,
                Ok(Ok(false)) | Err(_) => {}
                Ok(Err(error)) => tracing::error!(error = store::chain(&error), "password"),
            }
        }
        let member = user == SUPERUSER || groups_of(user).iter().any(|name| name == USERS_GROUP);
        // The password is checked before membership is told, so that nobody can find out names.
        pam::check(&self.paths, user, password).await == Verdict::Yes && member
    }

    async fn host_state(&self) -> Result<HostState, String> {
        let services = self.services.states(&self.paths).await?;
        Ok(HostState {
            services: services.into_iter().map(|(name, state)| (name.to_owned(), state)).collect(),
            cluster_configuration_exists: files::has_cluster(&self.paths),
        })
    }

    async fn start(&self) -> Result<String, String> {
        let path = self.paths.corosync_conf();
        let conf = store::read(&path).map_err(|error| store::chain(&error))?;
        let conf = conf.ok_or_else(|| {
            format!(
                "'{}' does not exist, this host is no member of a cluster; set one up with \
                 'pcs cluster setup'",
                path.display()
            )
        })?;
        let text = String::from_utf8_lossy(&conf);
        membership::conf::load(&text, &path.display().to_string())
            .map_err(|error| error.to_string())?;
        self.services.start().await?;
        Ok("Cluster started".to_owned())
    }

    async fn stop(&self, form: &Form) -> Result<String, String> {
        // `force` is what pcs says for "the loss of quorum is known"; that was judged before asking
        self.services.stop(&self.paths, form.flag("all"), form.flag("kill")).await?;
        Ok("Cluster stopped".to_owned())
    }

    async fn enable(&self, enabled: bool) -> Result<String, String> {
        self.services.enable(&self.paths, enabled).await?;
        Ok(if enabled { "Cluster enabled" } else { "Cluster disabled" }.to_owned())
    }

    async fn destroy(&self, form: &Form) -> Result<String, String> {
        let _held = self.files.lock().await;
        // In order first: what runs here must not go on running without a cluster.
        let orderly = self.services.stop(&self.paths, form.flag("all"), false);
        if !matches!(tokio::time::timeout(DESTROY_PATIENCE, orderly).await, Ok(Ok(()))) {
            tracing::warn!("the cluster did not stop in order, ending it for destroy");
            self.services.stop(&self.paths, false, true).await?;
        }
        self.services.enable(&self.paths, false).await?;
        files::destroy(&self.paths).map_err(|error| store::chain(&error))?;
        Ok("Cluster destroyed".to_owned())
    }

    fn get_corosync_conf(&self) -> Result<String, String> {
        let path = self.paths.corosync_conf();
        let text = store::read_text(&path).map_err(|error| store::chain(&error))?;
        text.ok_or_else(|| format!("'{}' does not exist", path.display()))
    }

    async fn set_corosync_conf(&self, form: &Form) -> Result<String, String> {
        let text = form.get("corosync_conf");
        if text.trim().is_empty() {
            return Err("the new corosync.conf is empty".to_owned());
        }
        files::check_corosync_conf(text.as_bytes())?;
        let _held = self.files.lock().await;
        store::write(&self.paths.corosync_conf(), text.as_bytes(), PUBLIC)
            .map_err(|error| store::chain(&error))?;
        Ok("Succeeded".to_owned())
    }

    async fn put_files(&self, form: &Form) -> Reply {
        self.each_file(form, files::put).await
    }

    async fn remove_files(&self, form: &Form) -> Reply {
        self.each_file(form, files::remove).await
    }

    async fn each_file(
        &self,
        form: &Form,
        act: impl Fn(&Paths, &FileRequest) -> pcs::cluster::protocol::FileOutcome,
    ) -> Reply {
        let requests: BTreeMap<String, FileRequest> = match form.json() {
            Ok(requests) => requests,
            Err(reason) => return refused(reason),
        };
        let _held = self.files.lock().await;
        let files = requests
            .iter()
            .map(|(name, request)| {
                let outcome = act(&self.paths, request);
                tracing::info!(file = request.kind.label(), code = ?outcome.code, "file");
                (name.clone(), outcome)
            })
            .collect();
        json(&FilesAnswer { files })
    }

    async fn change_known_hosts(&self, form: &Form) -> Result<String, String> {
        let change: KnownHostsChange = form.json()?;
        let _held = self.files.lock().await;
        let path = self.paths.pcsd_known_hosts();
        let text = store::read_text(&path).map_err(|error| store::chain(&error))?;
        let mut hosts = KnownHosts::parse(&text.unwrap_or_default())
            .map_err(|error| format!("{}: {}", path.display(), store::chain(&error)))?;
        hosts.change(change.known_hosts_add, &change.known_hosts_remove);
        store::write(&path, hosts.to_text().as_bytes(), SECRET)
            .map_err(|error| store::chain(&error))?;
        Ok(String::new())
    }

    async fn remove_nodes(&self, form: &Form) -> Result<String, String> {
        let names: Vec<String> = form.json()?;
        brain::remove_nodes(&self.paths, &names).await?;
        Ok(String::new())
    }

    async fn set_certificate(&self, form: &Form) -> Result<String, String> {
        let (certificate, key) = (form.get("ssl_cert"), form.get("ssl_key"));
        let shown = certificate::check(certificate.as_bytes(), key.as_bytes())?;
        let _held = self.files.lock().await;
        certificate::keep(&self.paths, certificate, key).map_err(|error| store::chain(&error))?;
        self.certificate.show(shown);
        tracing::info!("a new certificate is shown from now on");
        Ok("Success".to_owned())
    }

    async fn set_booth(&self, form: &Form) -> Result<String, String> {
        let _held = self.files.lock().await;
        booth::write(&self.paths, &form.json()?).map(|()| "Succeeded".to_owned())
    }

    async fn accept_token(&self, peer: &Peer, form: &Form) -> Result<String, String> {
        only_root(peer, "add a token")?;
        let seconds = SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs());
        let mut tokens = self.tokens.lock().await;
        tokens
            .accept(SUPERUSER, form.get("token"), seconds.to_string())
            .map(|()| String::new())
            .map_err(|error| store::chain(&error))
    }

    async fn drop_tokens(&self, peer: &Peer, form: &Form) -> Result<String, String> {
        only_root(peer, "take tokens back")?;
        let tokens: Vec<String> = form.json()?;
        let dropped = self.tokens.lock().await.drop_these(&tokens);
        dropped.map(|number| number.to_string()).map_err(|error| store::chain(&error))
    }

    async fn set_password(&self, peer: &Peer, form: &Form) -> Result<String, String> {
        only_root(peer, "set the cluster's password")?;
        let (path, password) = (self.paths.pcsd_password(), form.get("password").to_owned());
        // its derivation takes a while on purpose, and others are served meanwhile
        let set = tokio::task::spawn_blocking(move || password::set(&path, &password)).await;
        set.map_err(|error| error.to_string())?.map_err(|error| store::chain(&error))?;
        tracing::info!("the password of '{SUPERUSER}' was set");
        Ok(String::new())
    }
}

/// Refuses what only root on this host may do.
fn only_root(peer: &Peer, what: &str) -> Result<(), String> {
    match peer {
        Peer::Local { uid: 0, .. } => Ok(()),
        Peer::Local { .. } | Peer::Remote { .. } => {
            Err(format!("only root on this host may {what}"))
        }
    }
}

/// Returns what `pcs status` prints on this host.
async fn status(form: &Form) -> Result<String, String> {
    let mut words = vec!["status"];
    for (field, option) in [("full", "--full"), ("hide_inactive", "--hide-inactive")] {
        if form.flag(field) {
            words.push(option);
        }
    }
    let printed = run_pcs(&words, STATUS_PATIENCE).await?;
    Ok(String::from_utf8_lossy(&printed).into_owned())
}

/// Returns the archive that `pcs cluster report --local` makes of this host.
async fn report(form: &Form) -> Result<String, String> {
    let (from, to) = (form.get("from"), form.get("to"));
    let words = ["cluster", "report", "--local", "--from", from, "--to", to, "-"];
    let printed = run_pcs(&words, REPORT_PATIENCE).await?;
    Ok(base64::Engine::encode(&base64::engine::general_purpose::STANDARD, printed))
}

/// Runs a command of pcs on this host and returns what it prints.
async fn run_pcs(words: &[&str], patience: Duration) -> Result<Vec<u8>, String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let mut command = tokio::process::Command::new(program);
    command.args(["pcs", "--hints=never"]).args(words).kill_on_drop(true);
    let what = || format!("'pcs {}'", words.join(" "));
    let output = match tokio::time::timeout(patience, command.output()).await {
        Ok(Ok(output)) => output,
        Ok(Err(error)) => return Err(format!("cannot run {}: {error}", what())),
        Err(_) => return Err(format!("{} did not answer in time", what())),
    };
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.trim();
    Err(said.strip_prefix("Error: ").unwrap_or(said).to_owned())
}

/// Returns the names of the groups a user of this host is in.
fn groups_of(user: &str) -> Vec<String> {
    let Ok(Some(account)) = User::from_name(user) else { return Vec::new() };
    let Ok(name) = std::ffi::CString::new(user) else { return Vec::new() };
    let ids = getgrouplist(&name, account.gid).unwrap_or_default();
    ids.into_iter().filter_map(|id| Group::from_gid(id).ok().flatten()).map(|g| g.name).collect()
}

#[cfg(test)]
mod tests {
    use pcs::cluster::protocol::Right;

    use super::*;

    #[test]
    fn only_a_token_is_given_without_a_right_and_keys_need_all() {
        for request in Request::ALL {
            let free = matches!(request, Request::Auth | Request::CheckAuth);
            assert_eq!(request.right() == Right::None, free, "{request:?}");
        }
        assert_eq!(Request::PutFile.right(), Right::Full);
    }
}

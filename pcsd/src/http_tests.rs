//! What a client sees at the two doors, on a host below a temporary root.

use std::time::{Duration, Instant};

use hyper::client::conn::http1;
use model::Paths;
use pcs::cluster::protocol::{FileCode, FilesAnswer, HostState};

use super::*;
use crate::services::Services;
use crate::supervisor::Supervisor;

struct Host {
    _root: tempfile::TempDir,
    paths: Paths,
    remote: Arc<Remote>,
}

impl Host {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let paths = Paths::under(Some(root.path().into()));
        let supervisor = Supervisor::launch(paths.clone(), "/bin/false".into()).unwrap();
        let services = Services::Supervised(supervisor);
        let certificate = crate::certificate::load(&paths, "n1").unwrap();
        let remote = Arc::new(Remote::new(paths.clone(), services, certificate).unwrap());
        Self { _root: root, paths, remote }
    }

    /// Asks as somebody on the network with a token, or as a user of this host.
    async fn ask(&self, uid: Option<u32>, token: &str, name: &str, body: &str) -> (u16, String) {
        let (ours, theirs) = tokio::io::duplex(1 << 16);
        let place = Arc::new(Semaphore::new(1)).acquire_owned().await.unwrap();
        tokio::spawn(connection(theirs, uid, Arc::clone(&self.remote), place));
        let (mut sender, driver) = http1::handshake(TokioIo::new(ours)).await.unwrap();
        tokio::spawn(driver);
        let request = Request::post(format!("/remote/{name}"))
            .header(COOKIE, format!("CIB_user=root; token={token}"))
            .body(Full::new(Bytes::from(body.to_owned())))
            .unwrap();
        let answer = sender.send_request(request).await.unwrap();
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    async fn token(&self) -> String {
        let (status, _) = self.ask(Some(0), "", "set_password", "password=sesame").await;
        assert_eq!(status, 200);
        let body = "username=hacluster&password=sesame";
        let (status, token) = self.ask(None, "", "auth", body).await;
        assert_eq!((status, token.len()), (200, 64));
        token
    }
}

#[tokio::test]
async fn the_right_password_gives_a_token_and_a_wrong_one_an_empty_and_late_answer() {
    let host = Host::new();
    let token = host.token().await;
    assert_eq!(host.ask(None, &token, "check_auth", "").await.0, 200);
    let begin = Instant::now();
    let body = "username=hacluster&password=sesam";
    assert_eq!(host.ask(None, "", "auth", body).await, (200, String::new()));
    assert!(begin.elapsed() >= Duration::from_secs(1), "guessing must be slow");
}

#[tokio::test]
async fn without_a_token_nothing_is_told_and_nothing_is_done() {
    let host = Host::new();
    for request in pcs::cluster::protocol::Request::ALL {
        if *request != pcs::cluster::protocol::Request::Auth {
            let (status, _) = host.ask(None, "guess", request.name(), "").await;
            assert_eq!(status, 401, "{request:?}");
        }
    }
    assert_eq!(host.ask(None, "", "explode", "").await.0, 404);
}

#[tokio::test]
async fn the_password_is_set_by_root_of_this_host_only() {
    let host = Host::new();
    let token = host.token().await;
    let (status, text) = host.ask(None, &token, "set_password", "password=other").await;
    assert_eq!(status, 400, "{text}");
    // A user that is in no group of ours may not even look.
    let nobody = nix::unistd::User::from_name("nobody").unwrap();
    if let Some(nobody) = nobody {
        assert_eq!(host.ask(Some(nobody.uid.as_raw()), "", "status", "").await.0, 403);
    }
}

#[tokio::test]
async fn files_make_a_member_and_destroy_unmakes_it() {
    let host = Host::new();
    let token = host.token().await;
    let state = |body: String| serde_json::from_str::<HostState>(&body).unwrap();
    let (_, body) = host.ask(None, &token, "check_host", "").await;
    assert!(!state(body).cluster_configuration_exists);
    let (status, text) = host.ask(None, &token, "cluster_start", "").await;
    assert_eq!(status, 400);
    assert!(text.contains("is no member of a cluster"), "{text}");

    let conf = "totem {\n    version: 2\n}\nnodelist {\n    node {\n        ring0_addr: 10.0.0.1\n        \
                name: a\n        nodeid: 1\n    }\n}\n";
    let data = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, conf);
    let files =
        format!(r#"{{"c":{{"type":"corosync_conf","data":"{data}","rewrite_existing":true}}}}"#);
    let body: String =
        form_urlencoded::Serializer::new(String::new()).append_pair("data_json", &files).finish();
    let (_, answer) = host.ask(None, &token, "put_file", &body).await;
    let answer: FilesAnswer = serde_json::from_str(&answer).unwrap();
    assert_eq!(answer.files["c"].code, FileCode::Written);
    let (_, body) = host.ask(None, &token, "check_host", "").await;
    assert!(state(body).cluster_configuration_exists);
    assert_eq!(host.ask(None, &token, "get_corosync_conf", "").await, (200, conf.to_owned()));
    // Its daemons are /bin/false: the start says so, and the host is as before.
    let (status, text) = host.ask(None, &token, "cluster_start", "").await;
    assert_eq!(status, 400);
    assert!(text.contains("ended with exit status 1"), "{text}");

    assert_eq!(host.ask(None, &token, "cluster_enable", "").await.0, 200);
    assert!(host.paths.pcsd_autostart().exists());
    assert_eq!(host.ask(None, &token, "cluster_destroy", "").await.0, 200);
    assert!(!host.paths.corosync_conf().exists() && !host.paths.pcsd_autostart().exists());
}

#[tokio::test]
async fn known_hosts_are_kept_and_forgotten() {
    let host = Host::new();
    let change = |json: &str| -> String {
        form_urlencoded::Serializer::new(String::new()).append_pair("data_json", json).finish()
    };
    let add = r#"{"known_hosts_add":{"n1":{"dest_list":[{"addr":"n1","port":2224}],"token":"t"}}}"#;
    assert_eq!(host.ask(Some(0), "", "known_hosts_change", &change(add)).await.0, 200);
    let text = store::read_text(&host.paths.pcsd_known_hosts()).unwrap().unwrap();
    assert!(text.contains("\"n1\""), "{text}");
    let remove = r#"{"known_hosts_remove":["n1"]}"#;
    assert_eq!(host.ask(Some(0), "", "known_hosts_change", &change(remove)).await.0, 200);
    let text = store::read_text(&host.paths.pcsd_known_hosts()).unwrap().unwrap();
    assert!(!text.contains("\"n1\""), "{text}");
    assert_eq!(host.ask(Some(0), "", "known_hosts_change", "data_json=x").await.0, 400);
}

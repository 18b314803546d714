//! A store of the S3 kind that is not ours and checks signatures: `s3s-fs`, with a folder for each bucket.

use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;

use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s_fs::FileSystem;
use tempfile::TempDir;
use tokio::net::TcpListener;

/// A store on a port of its own, for as long as the test runs.
#[derive(Debug)]
pub struct Store {
    folder: TempDir,
    url: String,
}

impl Store {
    /// Name of the one key it knows.
    pub const ACCESS_KEY: &str = "weir-exports";
    /// That key.
    pub const SECRET_KEY: &str = "kept/by+the=operator";

    /// Starts it, with one empty bucket.
    pub fn with_bucket(bucket: &str) -> Self {
        let folder = TempDir::new().unwrap();
        std::fs::create_dir(folder.path().join(bucket)).unwrap();
        let mut service = S3ServiceBuilder::new(FileSystem::new(folder.path()).unwrap());
        service.set_auth(SimpleAuth::from_single(Self::ACCESS_KEY, Self::SECRET_KEY));
        let (service, (tell, told)) = (service.build(), channel());
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                tell.send(listener.local_addr().unwrap()).unwrap();
                serve(listener, service).await;
            });
        });
        Self { folder, url: format!("http://{}", told.recv().unwrap()) }
    }

    /// Where it listens.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its folder, in which each object is a file below its bucket.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Where an object, or those of a prefix, lie.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

async fn serve(listener: TcpListener, service: S3Service) {
    while let Ok((socket, _)) = listener.accept().await {
        let server = Builder::new(TokioExecutor::new());
        let served = server.serve_connection(TokioIo::new(socket), service.clone()).into_owned();
        tokio::spawn(async move { drop(served.await) });
    }
}

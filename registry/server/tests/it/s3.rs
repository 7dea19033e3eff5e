//! An S3-compatible server of a test's own, on a loopback port.

use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use s3s_fs::FileSystem;
use tempfile::TempDir;
use tokio::net::TcpListener;

pub const KEY: &str = "test-key";
pub const SECRET: &str = "test-secret";
const BUCKET: &str = "skills";

pub struct S3 {
    pub place: TempDir,
    address: std::net::SocketAddr,
}

impl S3 {
    pub async fn start() -> Self {
        let place = tempfile::tempdir().unwrap();
        std::fs::create_dir(place.path().join(BUCKET)).unwrap();
        let mut builder = S3ServiceBuilder::new(FileSystem::new(place.path()).unwrap());
        builder.set_auth(SimpleAuth::from_single(KEY, SECRET));
        let service = builder.build();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let service = service.clone();
                tokio::spawn(async move {
                    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        Self { place, address }
    }

    pub fn url(&self) -> String {
        format!("s3://{BUCKET}/registry?endpoint=http://{}&region=us-east-1", self.address)
    }

    /// The files of the bucket.
    pub fn directory(&self) -> std::path::PathBuf {
        self.place.path().join(BUCKET).join("registry")
    }
}

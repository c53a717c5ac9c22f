//! Requests to any URL: ureq where a thread waits, reqwest on an event loop. Both follow up to ten
//! redirects, speak TLS by rustls and trust the system's certificates.

use super::Site;
use reqwest::redirect::Policy;
use std::error::Error;
use std::io;
use std::sync::Once;
use std::time::Duration;
use ureq::tls::{RootCerts, TlsConfig, TlsProvider};

/// Redirects that are followed.
const MOST_REDIRECTS: usize = 10;
/// For connecting; how long an answer takes is what is measured.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);
const USER_AGENT: &str = concat!("conclab/", env!("CARGO_PKG_VERSION"));

/// Why a text is no URL that can be requested; `None` where it is one.
pub fn why_no_url(text: &str) -> Option<String> {
    match reqwest::Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => None,
        Ok(_) => Some("it doesn't begin with http:// or https://".to_owned()),
        Err(error) => Some(error.to_string()),
    }
}

/// Requests a URL, reads the whole answer and blocks until then; the status is the result.
///
/// # Errors
/// A sentence, also for a status of 400 and above.
pub fn get(site: &Site, url: &str, reuse: bool) -> Result<u64, String> {
    let agent = site.connections.open().url[usize::from(reuse)].get_or_init(|| agent(reuse));
    let mut answer = agent.get(url).call().map_err(|error| match error {
        ureq::Error::Io(error) => failed(url, &error),
        error => failed(url, &error),
    })?;
    let mut body = answer.body_mut().as_reader();
    io::copy(&mut body, &mut io::sink()).map_err(|error| failed(url, &error))?;
    super::http::judge(answer.status().as_u16().into())
}

/// The same on an event loop, which serves others meanwhile.
///
/// # Errors
/// As [`get`].
pub async fn get_async(site: &Site, url: &str, reuse: bool) -> Result<u64, String> {
    let client = site.connections.open().url_async[usize::from(reuse)]
        .get_or_init(|| client(reuse).map_err(|error| failed(url, &error)));
    let client = client.as_ref().map_err(String::clone)?;
    let exchange = async {
        let mut answer = client.get(url).send().await?;
        while answer.chunk().await?.is_some() {}
        // The connection goes back to the pool in a task of its own: the next request should find it there.
        tokio::task::yield_now().await;
        reqwest::Result::Ok(answer.status())
    };
    let status = exchange.await.map_err(|error| failed(url, &error))?;
    super::http::judge(status.as_u16().into())
}

/// A blocking client.
fn agent(reuse: bool) -> ureq::Agent {
    choose_tls();
    let idle = if reuse { usize::MAX } else { 0 };
    let tls = TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        .root_certs(RootCerts::PlatformVerifier)
        .build();
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(MOST_REDIRECTS as u32)
        .max_idle_connections(idle)
        .max_idle_connections_per_host(idle)
        .timeout_connect(Some(CONNECT_TIMEOUT))
        .user_agent(USER_AGENT)
        .tls_config(tls)
        .build()
        .into()
}

/// A client for an event loop.
fn client(reuse: bool) -> reqwest::Result<reqwest::Client> {
    choose_tls();
    let builder = || {
        reqwest::Client::builder()
            .redirect(Policy::limited(MOST_REDIRECTS))
            .pool_max_idle_per_host(if reuse { usize::MAX } else { 0 })
            .connect_timeout(CONNECT_TIMEOUT)
            .user_agent(USER_AGENT)
    };
    // Without any certificates on the machine http:// must still work.
    builder().build().or_else(|_| {
        let trusting_nobody = rustls::ClientConfig::builder()
            .with_root_certificates(rustls::RootCertStore::empty())
            .with_no_client_auth();
        builder().tls_backend_preconfigured(trusting_nobody).build()
    })
}

/// Both clients take the process's own choice of cryptography.
fn choose_tls() {
    static CHOSEN: Once = Once::new();
    CHOSEN.call_once(|| {
        // Fails only where somebody has chosen before.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}

/// The innermost reason says most.
fn failed(url: &str, error: &dyn Error) -> String {
    let mut reason = error;
    while let Some(source) = reason.source() {
        reason = source;
    }
    format!("the request to {url} failed: {reason}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_told_from_other_text() {
        for text in ["http://127.0.0.1:8000/a?b=c", "https://example.org"] {
            assert_eq!(why_no_url(text), None);
        }
        for text in [
            "",
            "example.org",
            "ftp://example.org",
            "http://",
            "http://host:port/",
        ] {
            assert!(why_no_url(text).is_some(), "{text}");
        }
    }
}

//! The settings: flags, environment variables and defaults in one struct, checked once into a [`Config`].
//!
//! Nothing else in the server reads the environment. Secrets are never printed.

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use crate::db::{DatabaseLocation, DbError};
use crate::destinations::{Addresses, omnisend};
use crate::engine;

mod log;
mod network;

pub use log::{LogFormat, start_logging};
pub use network::Network;

/// All settings, as they are given. `--help` is made of what stands here.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Settings")]
pub struct Settings {
    /// Address and port of the web server. Port 0 takes a free one.
    #[arg(long, global = true, env = "FERRY_LISTEN", value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// Where snapshots, plans, ledgers, uploads and the SQLite database lie. Made if it is missing.
    #[arg(long, global = true, env = "FERRY_DATA_DIR", value_name = "FOLDER", default_value = "./data")]
    pub data_dir: PathBuf,
    /// The database: postgres://user:password@host/name, or sqlite:FILE. Without it, SQLite in the data directory.
    #[arg(long, global = true, env = "FERRY_DATABASE_URL", value_name = "URL", hide_env_values = true)]
    pub database_url: Option<SecretString>,
    /// A file with the database's address, to keep the password out of the environment.
    #[arg(long, global = true, env = "FERRY_DATABASE_URL_FILE", value_name = "FILE", conflicts_with = "database_url")]
    pub database_url_file: Option<PathBuf>,
    /// 32 random bytes in base64 (`openssl rand -base64 32`) that seal the API keys. Better in the environment or a
    /// file than here, where other people of this machine see it. Several, separated by commas: the first one seals.
    #[arg(long, global = true, env = "FERRY_SECRET_KEY", value_name = "BASE64", hide_env_values = true)]
    pub secret_key: Option<SecretString>,
    /// A file with the secret key. Without either, `serve` makes `secret.key` in a new data directory.
    #[arg(long, global = true, env = "FERRY_SECRET_KEY_FILE", value_name = "FILE", conflicts_with = "secret_key")]
    pub secret_key_file: Option<PathBuf>,
    /// The address that people type, such as https://ferry.example.com. With https, cookies travel over HTTPS only.
    /// Without it, http:// and the listening address.
    #[arg(long, global = true, env = "FERRY_PUBLIC_URL", value_name = "URL")]
    pub public_url: Option<Url>,
    /// Reverse proxies whose X-Forwarded-For is believed: addresses or networks, by commas.
    #[arg(long, global = true, env = "FERRY_TRUSTED_PROXIES", value_name = "NETWORKS", value_delimiter = ',')]
    pub trusted_proxies: Vec<Network>,
    /// Where the Omnisend API is. Point it at the simulator to practise.
    #[arg(long, global = true, env = "FERRY_OMNISEND_URL", value_name = "URL")]
    pub omnisend_url: Option<Url>,
    /// Requests a minute for each account there, of the 400 that it allows: the rest is left to the shop's other tools.
    #[arg(long, global = true, env = "FERRY_OMNISEND_REQUESTS", value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    pub omnisend_requests: Option<u32>,
    /// Tag requests a minute for each account there, of the 60 that it allows.
    #[arg(long, global = true, env = "FERRY_OMNISEND_TAG_REQUESTS", value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    pub omnisend_tag_requests: Option<u32>,
    /// Keep no limit at all. Only for a simulator whose limits are off.
    #[arg(long, global = true, env = "FERRY_OMNISEND_UNLIMITED", requires = "omnisend_url")]
    pub omnisend_unlimited: bool,
    /// Folders whose files administrators may name as data sources, by commas. None: only uploads.
    #[arg(long, global = true, env = "FERRY_SOURCE_DIRECTORIES", value_name = "FOLDERS", value_delimiter = ',')]
    pub source_directories: Vec<PathBuf>,
    /// The largest file that may be uploaded, in bytes, or with K, M or G behind the number.
    #[arg(long, global = true, env = "FERRY_UPLOAD_LIMIT", value_name = "SIZE", default_value = "10G", value_parser = read_size)]
    pub upload_limit: u64,
    /// What is logged: error, warn, info, debug or trace, also by module, as in `info,server=debug`.
    #[arg(long, global = true, env = "FERRY_LOG", value_name = "FILTER", default_value = "info")]
    pub log: String,
    /// How it is logged.
    #[arg(long, global = true, env = "FERRY_LOG_FORMAT", value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,
}

/// The settings, checked and with the secrets read from their files.
#[derive(Debug, Clone)]
pub struct Config {
    /// Address and port of the web server.
    pub listen: SocketAddr,
    /// The data directory.
    pub data_dir: PathBuf,
    /// The database.
    pub database: DatabaseLocation,
    /// The secret key, where one is given.
    pub secret_key: Option<SecretString>,
    /// The address that people type; none when it follows from where the server listens.
    pub public_url: Option<Url>,
    /// The proxies that are believed.
    pub trusted_proxies: Vec<Network>,
    /// Where the destination's API is, when it is not its own.
    pub omnisend_url: Option<Url>,
    /// How fast the destination is written to.
    pub pace: Pace,
    /// Folders whose files may be named as data sources.
    pub source_directories: Vec<PathBuf>,
    /// The largest upload, in bytes.
    pub upload_limit: u64,
}

/// How fast the destination is written to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pace {
    /// Requests a minute and account; none: what the destination's card says.
    pub requests_per_minute: Option<u32>,
    /// The same for requests that change tags.
    pub tag_requests_per_minute: Option<u32>,
    /// No limit is kept.
    pub is_unlimited: bool,
}

/// What is wrong with the settings.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file with a secret cannot be read.
    #[error("the file `{0}` cannot be read")]
    SecretFile(PathBuf, #[source] std::io::Error),
    /// The database's address is not one.
    #[error("FERRY_DATABASE_URL is not usable")]
    Database(#[source] DbError),
    /// The public address is not `http(s)://host[:port]`.
    #[error("FERRY_PUBLIC_URL must be http:// or https:// with a host and nothing behind it")]
    PublicUrl,
    /// The destination's address is not http or https.
    #[error("FERRY_OMNISEND_URL must begin with https:// (or http:// for a simulator on this machine)")]
    OmnisendUrl,
}

impl Settings {
    /// Checks the settings and reads the secrets' files.
    ///
    /// # Errors
    /// The first setting that is not usable.
    pub fn check(&self) -> Result<Config, ConfigError> {
        let database_url = given(self.database_url.as_ref(), self.database_url_file.as_deref())?;
        let database = DatabaseLocation::read(database_url.as_ref(), &self.data_dir).map_err(ConfigError::Database)?;
        if self.public_url.as_ref().is_some_and(|url| !is_origin(url)) {
            return Err(ConfigError::PublicUrl);
        }
        if self.omnisend_url.as_ref().is_some_and(|url| !may_carry_keys(url)) {
            return Err(ConfigError::OmnisendUrl);
        }
        Ok(Config {
            listen: self.listen,
            data_dir: self.data_dir.clone(),
            database,
            secret_key: given(self.secret_key.as_ref(), self.secret_key_file.as_deref())?,
            public_url: self.public_url.clone(),
            trusted_proxies: self.trusted_proxies.clone(),
            omnisend_url: self.omnisend_url.clone(),
            pace: Pace {
                requests_per_minute: self.omnisend_requests,
                tag_requests_per_minute: self.omnisend_tag_requests,
                is_unlimited: self.omnisend_unlimited,
            },
            source_directories: self.source_directories.clone(),
            upload_limit: self.upload_limit,
        })
    }
}

impl Config {
    /// How the engine is set up.
    pub fn engine_options(&self) -> engine::Options {
        engine::Options {
            keeps_limits: !self.pace.is_unlimited,
            requests_per_minute: self.pace.requests_per_minute,
            tag_requests_per_minute: self.pace.tag_requests_per_minute,
            ..engine::Options::new(&self.data_dir)
        }
    }

    /// The address that people type, given where the server listens.
    pub fn public_address(&self, listening: SocketAddr) -> String {
        match &self.public_url {
            Some(url) => url.as_str().trim_end_matches('/').to_owned(),
            None => format!("http://{listening}"),
        }
    }

    /// Where destinations are, when not where they usually are.
    pub fn addresses(&self) -> Addresses {
        let moved = self.omnisend_url.iter().map(|url| (omnisend::KIND.to_owned(), url.to_string()));
        Addresses { of_kind: moved.collect() }
    }

    /// Do people come over HTTPS?
    pub fn is_https(&self) -> bool {
        self.public_url.as_ref().is_some_and(|url| url.scheme() == "https")
    }

    /// Can other machines reach the pages, with cookies that are not kept to HTTPS (ASVS 3.3.1)?
    pub fn is_open_without_https(&self) -> bool {
        !self.listen.ip().is_loopback() && !self.is_https()
    }
}

/// The effective settings, one a line, secrets masked.
impl fmt::Display for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let database = match &self.database {
            DatabaseLocation::Sqlite(path) => format!("sqlite:{}", path.display()),
            DatabaseLocation::Postgres(url) => masked(url),
        };
        let list = |items: Vec<String>| if items.is_empty() { "none".to_owned() } else { items.join(",") };
        let url = |url: &Option<Url>, otherwise: &str| url.as_ref().map_or(otherwise.to_owned(), ToString::to_string);
        writeln!(f, "listen = {}", self.listen)?;
        writeln!(f, "data directory = {}", self.data_dir.display())?;
        writeln!(f, "database = {database}")?;
        writeln!(f, "secret key = {}", if self.secret_key.is_some() { "given" } else { "not given" })?;
        writeln!(f, "public address = {}", url(&self.public_url, "from the listening address"))?;
        writeln!(f, "trusted proxies = {}", list(self.trusted_proxies.iter().map(ToString::to_string).collect()))?;
        writeln!(f, "destination address = {}", url(&self.omnisend_url, "its own"))?;
        let folders = self.source_directories.iter().map(|folder| folder.display().to_string()).collect();
        writeln!(f, "source directories = {}", list(folders))?;
        write!(f, "upload limit = {} bytes", self.upload_limit)
    }
}

/// A secret that is given itself or by its file. An empty one counts as not given: containers set unused variables so.
fn given(secret: Option<&SecretString>, file: Option<&Path>) -> Result<Option<SecretString>, ConfigError> {
    let secret = match (secret, file.filter(|path| !path.as_os_str().is_empty())) {
        (Some(secret), _) => secret.clone(),
        (None, Some(path)) => {
            let text = std::fs::read_to_string(path).map_err(|error| ConfigError::SecretFile(path.into(), error))?;
            return Ok(Some(SecretString::from(text.trim())));
        }
        (None, None) => return Ok(None),
    };
    Ok(Some(secret).filter(|secret| !secret.expose_secret().is_empty()))
}

/// `http(s)://host[:port]` and nothing else.
fn is_origin(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https")
        && url.has_host()
        && url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none()
}

/// An address that a request can be sent to; the operator answers for where it leads.
fn may_carry_keys(url: &Url) -> bool {
    url.has_host() && matches!(url.scheme(), "https" | "http") && url.username().is_empty() && url.password().is_none()
}

/// A database address without its password.
fn masked(url: &SecretString) -> String {
    match Url::parse(url.expose_secret()) {
        Ok(mut url) => {
            if url.password().is_some() && url.set_password(Some("***")).is_err() {
                return "postgres (not shown)".to_owned();
            }
            url.set_query(None);
            url.to_string()
        }
        Err(_) => "postgres (not shown)".to_owned(),
    }
}

/// Reads a number of bytes: `1048576`, `512M`, `10G`.
fn read_size(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let (number, factor) = match text.char_indices().last() {
        Some((at, 'k' | 'K')) => (&text[..at], 1 << 10),
        Some((at, 'm' | 'M')) => (&text[..at], 1 << 20),
        Some((at, 'g' | 'G')) => (&text[..at], 1 << 30),
        _ => (text, 1_u64),
    };
    let number: u64 = number.trim().parse().map_err(|_| "a number of bytes, such as 512M or 10G".to_owned())?;
    number.checked_mul(factor).filter(|size| *size > 0).ok_or_else(|| "too large, or zero".to_owned())
}

#[cfg(test)]
mod tests;

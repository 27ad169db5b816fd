//! The folder `keys/` of a node's data folder: which secret lies in which file.
//!
//! `node.key`, `node.pem` (certificate and intermediates), `organisation.pem` (root certificate); at headquarters also
//! `issuing.key`, `issuing.pem`, for browsers `browser-ca.key` and `browser-ca.pem`, and, until they are carried to a safe,
//! `root.key.sealed` and `browser-ca.key.sealed`; `web.pem` is what browsers see of this node (key, leaf, authority); and for
//! people who administrate at this machine `administrators/<user>.sealed` (beside it `….pending` while a
//! password changes). A machine that asked to join by file and waits
//! has `join-request.txt`, `join-request.key` and `join-sealing.key` instead of the first three.

use std::path::{Path, PathBuf};

use noroshi_sync::id::UserId;

use super::identity::NodeIdentity;
use super::issue::IssuingKey;
use super::key_file::{self, KeyFileError};
use crate::browser::{BrowserAuthority, WebIdentity, check_leaf};
use crate::join::files::{OfflineRequest, RequestKeys};
use crate::password::Verifier;

const REQUEST: &str = "join-request.txt";
const REQUEST_KEY: &str = "join-request.key";
const REQUEST_SEALING: &str = "join-sealing.key";
/// What the name of a key ends with that waits for its password to be in force.
const PENDING: &str = ".pending";
/// Of a hash, to tell one password from another.
const TAG_CHARS: usize = 32;

/// The folder. Folders are 0700, files 0600.
#[derive(Clone, Debug)]
pub struct KeyFolder {
    folder: PathBuf,
}

/// The browser authority with its key locked away.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SealedBrowserAuthority {
    pub sealed: Vec<u8>,
    /// DER.
    pub certificate: Vec<u8>,
}

impl KeyFolder {
    /// The folder `keys` in this data folder; made if missing.
    pub fn create(data: &Path) -> Result<Self, KeyFileError> {
        let keys = Self::in_data_folder(data);
        key_file::create_folder(&keys.folder.join("administrators"))?;
        Ok(keys)
    }

    /// The folder `keys` in this data folder, whether or not it exists.
    pub fn in_data_folder(data: &Path) -> Self {
        Self { folder: data.join("keys") }
    }

    pub fn path(&self) -> &Path {
        &self.folder
    }

    // --- the node

    /// Whether this data folder already is a node (or half of one).
    pub fn has_node(&self) -> bool {
        self.file("node.key").exists() || self.file("node.pem").exists() || self.file("organisation.pem").exists()
    }

    /// Writes the three files of a new node, the key last: a node without a key is none.
    pub fn save_node(&self, identity: &NodeIdentity) -> Result<(), KeyFileError> {
        let key = self.file("node.key");
        if key.exists() {
            return Err(KeyFileError::Exists { path: key });
        }
        let root = [identity.root_certificate().to_vec()];
        key_file::replace(&self.file("organisation.pem"), key_file::certificates_pem(&root).as_bytes())?;
        key_file::replace(&self.file("node.pem"), key_file::certificates_pem(identity.chain()).as_bytes())?;
        key_file::write_new(&key, key_file::key_pem(identity.key()).as_bytes())
    }

    /// Reads them, refusing a key that others could read or that is not the certificate's.
    pub fn load_node(&self) -> Result<NodeIdentity, KeyFileError> {
        let key = key_file::read_key(&self.file("node.key"))?;
        let chain = key_file::read_certificates(&self.file("node.pem"))?;
        let path = self.file("organisation.pem");
        let mut roots = key_file::read_certificates(&path)?;
        // Two roots would be two organisations: nobody could say which one this node belongs to.
        let root = match (roots.pop(), roots.is_empty()) {
            (Some(root), true) => root,
            _ => return Err(KeyFileError::Malformed { path, what: "single root certificate" }),
        };
        NodeIdentity::new(key, chain, root)
            .map_err(|error| KeyFileError::Identity { folder: self.folder.clone(), error })
    }

    /// Puts a renewed certificate in place of the old one.
    pub fn replace_chain(&self, chain: &[Vec<u8>]) -> Result<(), KeyFileError> {
        key_file::replace(&self.file("node.pem"), key_file::certificates_pem(chain).as_bytes())
    }

    // --- a machine that waits for its certificate

    /// What a machine keeps between its request and the answer. The request itself is written last.
    pub fn save_request(&self, keys: &RequestKeys, request: &OfflineRequest) -> Result<(), KeyFileError> {
        key_file::replace(&self.file(REQUEST_KEY), key_file::key_pem(&keys.node).as_bytes())?;
        key_file::replace(&self.file(REQUEST_SEALING), keys.sealing_secret().as_slice())?;
        key_file::replace(&self.file(REQUEST), request.to_text().as_bytes())
    }

    /// `None` when this machine has not asked, or is a node already.
    pub fn load_request(&self) -> Result<Option<(RequestKeys, OfflineRequest)>, KeyFileError> {
        let path = self.file(REQUEST);
        if !path.exists() || self.file("node.key").exists() {
            return Ok(None);
        }
        let malformed = |name: &str| KeyFileError::Malformed { path: self.file(name), what: "kept join request" };
        let node = key_file::read_key(&self.file(REQUEST_KEY))?;
        let sealing = key_file::read_secret(&self.file(REQUEST_SEALING))?;
        let sealing: &[u8; 32] = sealing.as_slice().try_into().map_err(|_| malformed(REQUEST_SEALING))?;
        let request = OfflineRequest::from_text(&key_file::read_public(&path)?).map_err(|_| malformed(REQUEST))?;
        if request.node != node.node() {
            return Err(malformed(REQUEST));
        }
        Ok(Some((RequestKeys::from_parts(node, sealing), request)))
    }

    /// Forgets a request that was answered.
    pub fn drop_request(&self) -> Result<(), KeyFileError> {
        [REQUEST, REQUEST_SEALING, REQUEST_KEY].iter().try_for_each(|name| key_file::remove(&self.file(name)))
    }

    // --- headquarters

    pub fn save_issuing(&self, issuing: &IssuingKey) -> Result<(), KeyFileError> {
        let certificate = [issuing.certificate().to_vec()];
        key_file::replace(&self.file("issuing.pem"), key_file::certificates_pem(&certificate).as_bytes())?;
        key_file::write_new(&self.file("issuing.key"), key_file::key_pem(issuing.key()).as_bytes())
    }

    /// `None` when this node does not certify others.
    pub fn load_issuing(&self) -> Result<Option<IssuingKey>, KeyFileError> {
        if !self.file("issuing.key").exists() {
            return Ok(None);
        }
        let key = key_file::read_key(&self.file("issuing.key"))?;
        let path = self.file("issuing.pem");
        let certificate = match key_file::read_certificates(&path)?.as_slice() {
            [only] => only.clone(),
            _ => return Err(KeyFileError::Malformed { path, what: "single certificate" }),
        };
        let issuing = IssuingKey::new(key, certificate);
        issuing.map(Some).map_err(|error| KeyFileError::Issuing { folder: self.folder.clone(), error })
    }

    /// The root key, as [`crate::sealed::seal_root`] made it.
    pub fn save_sealed_root(&self, sealed: &[u8]) -> Result<(), KeyFileError> {
        key_file::write_new(&self.file("root.key.sealed"), sealed)
    }

    /// `None` when it has been carried away.
    pub fn load_sealed_root(&self) -> Result<Option<Vec<u8>>, KeyFileError> {
        self.load_if_there("root.key.sealed")
    }

    // --- browsers

    /// The browser authority: its key lies open like the issuing key, so that headquarters renews certificates unattended,
    /// and sealed (as [`crate::sealed::seal_browser_authority`] made it) for a new machine after this one.
    pub fn save_browser_authority(&self, authority: &BrowserAuthority, sealed: &[u8]) -> Result<(), KeyFileError> {
        let key = self.file("browser-ca.key");
        if key.exists() {
            return Err(KeyFileError::Exists { path: key });
        }
        let certificate = [authority.certificate().to_vec()];
        key_file::replace(&self.file("browser-ca.pem"), key_file::certificates_pem(&certificate).as_bytes())?;
        key_file::replace(&self.file("browser-ca.key.sealed"), sealed)?;
        key_file::write_new(&key, key_file::pkcs8_pem(&authority.pkcs8()).as_bytes())
    }

    /// Puts the key of the browser authority back, from its sealed copy.
    pub fn restore_browser_authority(&self, authority: &BrowserAuthority) -> Result<(), KeyFileError> {
        key_file::write_new(&self.file("browser-ca.key"), key_file::pkcs8_pem(&authority.pkcs8()).as_bytes())
    }

    /// `None` when this node issues no browser certificates.
    pub fn load_browser_authority(&self) -> Result<Option<BrowserAuthority>, KeyFileError> {
        let path = self.file("browser-ca.key");
        if !path.exists() {
            return Ok(None);
        }
        let key = key_file::read_pkcs8(&path)?;
        let Some(certificate) = self.load_browser_certificate()? else {
            return Err(KeyFileError::Malformed { path: self.file("browser-ca.pem"), what: "single certificate" });
        };
        let authority = BrowserAuthority::from_pkcs8(&key, certificate);
        authority.map(Some).map_err(|error| KeyFileError::Browser { path, reason: error.to_string() })
    }

    /// The sealed copy and the certificate that belongs to it, as far as they are here.
    pub fn load_sealed_browser_authority(&self) -> Result<Option<SealedBrowserAuthority>, KeyFileError> {
        let both = self.load_if_there("browser-ca.key.sealed")?.zip(self.load_browser_certificate()?);
        Ok(both.map(|(sealed, certificate)| SealedBrowserAuthority { sealed, certificate }))
    }

    fn load_browser_certificate(&self) -> Result<Option<Vec<u8>>, KeyFileError> {
        let path = self.file("browser-ca.pem");
        if !path.exists() {
            return Ok(None);
        }
        match key_file::read_certificates(&path)?.as_slice() {
            [only] => Ok(Some(only.clone())),
            _ => Err(KeyFileError::Malformed { path, what: "single certificate" }),
        }
    }

    /// Key, leaf and authority in one file, replaced at once.
    pub fn save_web(&self, web: &WebIdentity) -> Result<(), KeyFileError> {
        let mut pem = key_file::pkcs8_pem(&web.pkcs8);
        pem.push_str(&key_file::certificates_pem(&[web.leaf.clone(), web.authority.clone()]));
        key_file::replace(&self.file("web.pem"), pem.as_bytes())
    }

    /// `None` before the first certificate for browsers.
    pub fn load_web(&self) -> Result<Option<WebIdentity>, KeyFileError> {
        let path = self.file("web.pem");
        if !path.exists() {
            return Ok(None);
        }
        let pkcs8 = key_file::read_pkcs8(&path)?;
        let certificates = key_file::read_certificates(&path)?;
        let [leaf, authority] = certificates.as_slice() else {
            return Err(KeyFileError::Malformed { path, what: "leaf and authority" });
        };
        let browser = |reason: String| KeyFileError::Browser { path: path.clone(), reason };
        check_leaf(authority, leaf, &[]).map_err(|error| browser(error.to_string()))?;
        Ok(Some(WebIdentity { pkcs8, leaf: leaf.clone(), authority: authority.clone() }))
    }

    // --- administrators

    /// An administrator's key, as [`crate::sealed::seal_administrator`] made it; replaces an older one (a password changed).
    pub fn save_sealed_administrator(&self, user: UserId, sealed: &[u8]) -> Result<(), KeyFileError> {
        key_file::create_folder(&self.folder.join("administrators"))?;
        key_file::replace(&self.administrator_file(user), sealed)
    }

    /// `None` when the person does not administrate at this machine.
    pub fn load_sealed_administrator(&self, user: UserId) -> Result<Option<Vec<u8>>, KeyFileError> {
        self.load_if_there(&format!("administrators/{user}.sealed"))
    }

    /// The keys of a person (the one in use, one that waits to be named) under a password that is about to be set, which
    /// this `verifier` is of. They take the places of the present ones when [`Self::settle_sealed_administrator`] is told
    /// that the verifier is in force, also after a restart.
    pub fn save_pending_administrator(
        &self,
        user: UserId,
        verifier: &Verifier,
        sealed: [Option<&[u8]>; 2],
    ) -> Result<(), KeyFileError> {
        let folder = self.folder.join("administrators");
        key_file::create_folder(&folder)?;
        // What an earlier change left that came to nothing.
        let failed = |error| KeyFileError::Io { path: folder.clone(), error };
        for entry in std::fs::read_dir(&folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name();
            if name.to_str().is_some_and(|name| name.starts_with(&format!("{user}.")) && name.ends_with(PENDING)) {
                std::fs::remove_file(entry.path()).map_err(failed)?;
            }
        }
        for ((pending, _), sealed) in self.pending_files(user, verifier).iter().zip(sealed) {
            if let Some(sealed) = sealed {
                key_file::replace(pending, sealed)?;
            }
        }
        Ok(())
    }

    /// Puts the keys that wait for this verifier in the places of the present ones.
    pub fn settle_sealed_administrator(&self, user: UserId, verifier: &Verifier) -> Result<(), KeyFileError> {
        for (pending, present) in self.pending_files(user, verifier) {
            if pending.exists() {
                key_file::rename(&pending, &present)?;
            }
        }
        Ok(())
    }

    /// Of the key in use and of the one that waits to be named: where it waits for a password, and its own place.
    fn pending_files(&self, user: UserId, verifier: &Verifier) -> [(PathBuf, PathBuf); 2] {
        let tag: String = blake3::hash(verifier.as_str().as_bytes()).to_hex().chars().take(TAG_CHARS).collect();
        [self.administrator_file(user), self.requested_file(user)].map(|present| {
            let mut pending = present.clone().into_os_string();
            pending.push(format!(".{tag}{PENDING}"));
            (PathBuf::from(pending), present)
        })
    }

    /// A key that waits to be named, beside the one in use.
    pub fn save_requested_administrator(&self, user: UserId, sealed: &[u8]) -> Result<(), KeyFileError> {
        key_file::create_folder(&self.folder.join("administrators"))?;
        key_file::replace(&self.requested_file(user), sealed)
    }

    pub fn load_requested_administrator(&self, user: UserId) -> Result<Option<Vec<u8>>, KeyFileError> {
        self.load_if_there(&format!("administrators/{user}.requested"))
    }

    /// The key that waited is named: from now on it is the one in use.
    pub fn promote_requested_administrator(&self, user: UserId) -> Result<(), KeyFileError> {
        key_file::rename(&self.requested_file(user), &self.administrator_file(user))
    }

    /// Who administrates at this machine, ascending.
    pub fn administrators(&self) -> Result<Vec<UserId>, KeyFileError> {
        let folder = self.folder.join("administrators");
        let failed = |error| KeyFileError::Io { path: folder.clone(), error };
        let mut users = Vec::new();
        let entries = match std::fs::read_dir(&folder) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(users),
            other => other.map_err(failed)?,
        };
        for entry in entries {
            let name = entry.map_err(failed)?.file_name();
            let user = name.to_str().and_then(|name| name.strip_suffix(".sealed"));
            users.extend(user.and_then(|user| user.parse::<UserId>().ok()));
        }
        users.sort_unstable();
        Ok(users)
    }

    fn load_if_there(&self, name: &str) -> Result<Option<Vec<u8>>, KeyFileError> {
        let path = self.file(name);
        if path.exists() { key_file::read_secret(&path).map(|bytes| Some(bytes.to_vec())) } else { Ok(None) }
    }

    fn administrator_file(&self, user: UserId) -> PathBuf {
        self.folder.join("administrators").join(format!("{user}.sealed"))
    }

    fn requested_file(&self, user: UserId) -> PathBuf {
        self.folder.join("administrators").join(format!("{user}.requested"))
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

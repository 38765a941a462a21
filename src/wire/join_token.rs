//! The join token that the operator copies from the server to a node: base64url of a small JSON object.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::domain::error::{Error, Result};

/// The content of a join token. No `Debug`: it holds a secret.
#[derive(Clone, Deserialize, Serialize)]
pub struct JoinTicket {
    /// The server's URL for nodes; absent if the operator did not set one and `--server` is needed.
    pub server: Option<String>,
    /// PEM of the CA certificate; absent with plain HTTP or a publicly trusted certificate.
    pub ca: Option<String>,
    /// The secret: a UUID.
    pub secret: String,
}

impl JoinTicket {
    /// Encodes the token.
    pub fn encode(&self) -> Result<String> {
        let json =
            serde_json::to_vec(self).map_err(|error| Error::internal("The join token could not be written.", error))?;
        Ok(URL_SAFE_NO_PAD.encode(json))
    }

    /// The command to run on the render node.
    pub fn command(&self) -> Result<String> {
        let elsewhere = if self.server.is_some() { "" } else { " --server https://SERVER:8443" };
        // `echo` is a shell builtin, so the token does not appear in the process list.
        Ok(format!("echo {} | dinkem-appliance node --join -{elsewhere}", self.encode()?))
    }

    /// Parses a token; surrounding white space from pasting is ignored.
    pub fn decode(token: &str) -> Result<Self> {
        URL_SAFE_NO_PAD.decode(token.trim()).ok().and_then(|json| serde_json::from_slice(&json).ok()).ok_or_else(|| {
            Error::invalid("join_token", "This is not a join token. Create one on the server: admin nodes token.")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_survives_being_pasted_with_white_space() {
        let ticket = JoinTicket { server: Some("http://10.0.0.5:8443".into()), ca: None, secret: "s".into() };
        let read = JoinTicket::decode(&format!(" {}\n", ticket.encode().unwrap())).unwrap();
        assert_eq!((read.server, read.ca, read.secret), (ticket.server, ticket.ca, ticket.secret));
    }

    #[test]
    fn token_is_base64url_encoded_json() {
        let ticket = JoinTicket {
            server: Some("https://10.0.0.5:8443".into()),
            ca: Some("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".into()),
            secret: "3f8c1a2b-9d4e-4f6a-bc12-7e0a5d9c1234".into(),
        };
        let token = "eyJzZXJ2ZXIiOiJodHRwczovLzEwLjAuMC41Ojg0NDMiLCJjYSI6Ii0tLS0tQkVHSU4gQ0VSVElGSUNBVEUtLS0tLVxuQUFBQV\
                     xuLS0tLS1FTkQgQ0VSVElGSUNBVEUtLS0tLVxuIiwic2VjcmV0IjoiM2Y4YzFhMmItOWQ0ZS00ZjZhLWJjMTItN2UwYTVkOWMxMj\
                     M0In0";
        assert_eq!(ticket.encode().unwrap(), token);
        assert_eq!(JoinTicket::decode(token).unwrap().ca, ticket.ca);
    }

    #[test]
    fn an_invalid_token_is_refused_with_a_message() {
        for text in ["", "x", "!!!!", "e30", "3f8c1a2b-9d4e-4f6a-bc12-7e0a5d9c1234"] {
            assert_eq!(JoinTicket::decode(text).err().and_then(|error| error.field).as_deref(), Some("join_token"));
        }
    }
}

//! Schemes that would make a connection somebody's own.

use crate::support::{Stage, answer};
use session::Basic;

#[test]
fn ru_5_no_credential_belongs_to_a_connection() {
    let stage = Stage::new();
    stage.host("a.example", |r| match r.target() {
        "/negotiate" => answer("401 No", &["WWW-Authenticate: Negotiate"], ""),
        "/ntlm" => {
            answer("401 No", &["WWW-Authenticate: NTLM", "WWW-Authenticate: NTLM TlRMTVNTUAACAAAA"], "")
        }
        _ => answer("200 OK", &[], ""),
    });
    let session = stage.session();
    for path in ["/negotiate", "/ntlm"] {
        let response = session.get(format!("http://a.example{path}")).send().unwrap();
        assert_eq!((response.status().as_u16(), response.history().len()), (401, 0), "{path}");
    }
    assert_eq!(stage.values("authorization"), ["-", "-"], "such a challenge is for the caller");
    // Credentials for anything else are not made up for them either, and users share nothing but the socket.
    let mut user = session.clone();
    user.set_auth(Basic::new("one", "1"));
    assert_eq!(user.get("http://a.example/ntlm").send().unwrap().status().as_u16(), 401);
    user.get("http://a.example/").send().unwrap();
    session.get("http://a.example/").basic("two", "2").send().unwrap();
    session.get("http://a.example/").send().unwrap();
    let sent = stage.values("authorization");
    assert_eq!(sent[2..], ["Basic b25lOjE=", "Basic b25lOjE=", "Basic dHdvOjI=", "-"]);
    assert_eq!(stage.world.connections(), 1);
}

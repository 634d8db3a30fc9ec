//! Links of answers, and where they lead.

use crate::support::{Stage, answer};
use session::{Links, Response};

fn got(fields: &[&str]) -> Response {
    let fields: Vec<String> = fields.iter().map(|field| format!("Link: {field}")).collect();
    let stage = Stage::new();
    stage.host("a.example", move |_| {
        let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
        answer("200 OK", &fields, "")
    });
    stage.session().get("http://a.example/dir/page?x=1#f").send().unwrap()
}

fn links(field: &str) -> Links {
    got(&[field]).links()
}

/// `rels target name=value …` of each link.
#[test]
fn a_loop_goes_through_the_links_in_order() {
    let links = links("<a>; rel=x, <b>; rel=y");
    let mut targets = Vec::new();
    for link in &links {
        targets.push(link.target());
    }
    assert_eq!(targets, ["a", "b"]);
}

fn shown(links: &Links) -> Vec<String> {
    let one = |link: &session::Link| {
        let params = link.params().map(|(name, value)| format!(" {name}={value}"));
        format!("{}{}", link.target(), params.collect::<String>())
    };
    links.iter().map(one).collect()
}

#[test]
fn o_13_links_are_found_by_their_relation_or_else_by_their_target() {
    let links = links(
        "<https://b.example/2>; rel=\"next\"; title=\"a b\", </last>; rel=last , <http://c.example/>; type=\"x\"",
    );
    assert_eq!(links.len(), 3);
    let next = links.get("next").unwrap();
    assert_eq!((next.target(), next.param("title")), ("https://b.example/2", Some("a b")));
    assert_eq!(links.get("LAST").unwrap().url().unwrap().as_str(), "http://a.example/last");
    assert_eq!(links.get("http://c.example/").unwrap().param("type"), Some("x"));
    assert!(links.get("prev").is_none());
    assert!(got(&[]).links().is_empty());
}

#[test]
fn o_13_commas_and_semicolons_in_targets_and_quotes_are_part_of_them() {
    let links = links("</a,b;c=1?x=<y, z>; rel=\"n,e;x\\\"t\"; title=\"a > b, <c>; d\",</2>;rel=two");
    // A target ends at the first `>`, whatever is in it.
    assert_eq!(shown(&links), ["/a,b;c=1?x=<y, z rel=n,e;x\"t title=a > b, <c>; d", "/2 rel=two"]);
}

#[test]
fn o_13_a_link_may_have_several_relations_and_a_relation_several_links() {
    let links = links("</1>; rel=\"start  NEXT\", </2>; rel=item, </3>; rel=item; rel=other");
    assert_eq!(links.get("next").unwrap().target(), "/1");
    assert_eq!(links.get("start").unwrap().rels().collect::<Vec<_>>(), ["start", "NEXT"]);
    assert_eq!(links.get("item").unwrap().target(), "/3", "the last one, as in a dictionary");
    assert!(links.get("other").is_none(), "the first rel of a link is the one that counts");
}

#[test]
fn o_13_all_link_fields_are_read() {
    let links = got(&["</1>; rel=a", "</2>; rel=b, </3>; rel=c"]).links();
    assert_eq!(shown(&links), ["/1 rel=a", "/2 rel=b", "/3 rel=c"]);
}

#[test]
fn o_13_quotes_and_spaces_around_values_are_no_part_of_them_and_reading_stops_at_what_is_no_parameter() {
    assert_eq!(shown(&links("< /1 > ;  rel = 'next' ;title=\" x \"")), ["/1 rel=next title=x"]);
    // Apostrophes and blanks go in whatever order they stand.
    assert_eq!(shown(&links("</1>; rel= ' next ' ; title== '")), ["/1 rel=next title=="]);
    assert_eq!(shown(&links("</1>; rel=a; flag; b=2, </2>")), ["/1 rel=a", "/2"]);
    assert_eq!(shown(&links("</1>; flag; rel=a, </2>; rel=b; flag, </3>;")), ["/1", "/2 rel=b", "/3"]);
    assert!(links("</1>; flag; rel=a").get("/1").is_some(), "by its target, then");
    assert_eq!(shown(&links("</1>; rel=a; =x; b=2, </2>")), ["/1 rel=a", "/2"]);
    assert_eq!(shown(&links("</1>; rel=\"never ends, </2>")), ["/1"]);
    assert_eq!(shown(&links("</1>; rel=a;;; b=1;")), ["/1 rel=a"]);
    assert_eq!(shown(&links("</1>; rel=a; \"b=1\"; c=2; d")), ["/1 rel=a \"b=1\" c=2"]);
    assert_eq!(shown(&links("no link, </1>, \"x, </no>\" <also no, </2>")), ["/1"]);
    for nothing in ["", ",,,", "<", "</1", ">", "<>x", ";", "=", "\""] {
        let _ = links(nothing);
    }
    assert_eq!(shown(&links("</é>; title=\"é\"")), ["/é title=é"]);
}

#[test]
fn links_show_no_query_values() {
    let links = links("</1?token=s3cret>; rel=next, <::not a url?k=s3cret>");
    let debug = format!("{links:?}");
    assert!(debug.contains("next") && !debug.contains("s3cret"), "{debug}");
}

//! How a reader checks the record, and whose program plays recordings.

use super::{Html, MOST, Page, list};
use crate::report::facts;
use crate::{DEVICE_KEY, EVIDENCE_NAMESPACE, MANIFEST, Receipt, SIGNATURE, TIME_STAMP};

const SCRIPT: &str = include_str!("../../../check-by-hand.sh");
const LICENCE: &str = include_str!("../../../player/LICENSE");

impl Page<'_> {
    pub(super) fn check(&self, html: &mut Html) {
        let words = self.words;
        let session = [("session", self.account.session.to_string().into())];
        self.part(html, "part-check", "check", |html| {
            html.leaf("p", &[], &words.say_with("check-intro", &session));
            list(html, &facts::proofs(self.account, self.words));
            html.leaf("h3", &[], &words.say("label-receipt"));
            let receipt = Receipt::of(&self.account.head.digest).to_string();
            html.element("ol", &[("class", "receipt")], |html| {
                receipt.split(' ').for_each(|word| html.leaf("li", &[], word));
            });
            self.say(html, "", "check-receipt");
            self.earlier(html);
            self.say(html, "", "check-commands");
            for (id, commands) in commands() {
                self.say(html, "", id);
                code(html, &words.say(id), &commands);
            }
            self.say(html, "", "check-script");
            code(html, "check-by-hand.sh", SCRIPT);
        });
    }

    /// The receipts of earlier ends.
    fn earlier(&self, html: &mut Html) {
        if self.account.earlier.is_empty() {
            return;
        }
        self.say(html, "", "earlier-receipts");
        html.element("ul", &[], |html| {
            for head in self.account.earlier.iter().take(MOST) {
                html.leaf("li", &[], &Receipt::of(&head.digest).to_string());
            }
        });
    }

    pub(super) fn licences(&self, html: &mut Html, plays: bool) {
        if !plays {
            return;
        }
        html.element("footer", &[("class", "screen-only")], |html| {
            html.element("details", &[], |html| {
                html.leaf("summary", &[], &self.words.say("part-licences"));
                self.say(html, "", "licence-player");
                code(html, &self.words.say("part-licences"), LICENCE);
            });
        });
    }
}

/// What stock tools check, each with the message that says what it shows.
fn commands() -> [(&'static str, String); 3] {
    let signer = "../allowed-signers";
    [
        ("check-commands-sums", format!("sha256sum --check --strict {MANIFEST}")),
        (
            "check-commands-signature",
            format!(
                "ssh-keygen -l -f {DEVICE_KEY}\n\
                 printf 'device %s\\n' \"$(cat {DEVICE_KEY})\" > {signer}\n\
                 ssh-keygen -Y verify -f {signer} -I device -n {EVIDENCE_NAMESPACE} -s {SIGNATURE} < {MANIFEST}"
            ),
        ),
        (
            "check-commands-stamp",
            format!("openssl ts -verify -data {MANIFEST} -in {TIME_STAMP} -CAfile authority.pem"),
        ),
    ]
}

fn code(html: &mut Html, label: &str, text: &str) {
    html.element("pre", &[("tabindex", "0"), ("role", "region"), ("aria-label", label)], |html| {
        html.lines(text.trim_end());
    });
}

#!/usr/bin/env bash
# Checks the record of a session with bash, ssh-keygen, openssl and python3 (its standard library) alone: by the rules of
# src/check.rs, in their order. Exits with 0 and says what the record is, or with 1 and names the first thing that is
# wrong. The two commands at its heart, without the rest:
#   (cd DIR && sha256sum --check --strict SHA256SUMS)
#   ssh-keygen -Y check-novalidate -n fieldlink-evidence@v1 -s DIR/SHA256SUMS.sig < DIR/SHA256SUMS
set -euo pipefail
# -I: nothing that lies in the record or where this is called is taken for a part of python.
exec python3 -I - "$@" <<'PYTHON'
import argparse, base64, hashlib, json, os, re, stat, subprocess, sys, tempfile
options = argparse.ArgumentParser(prog="check-by-hand.sh", description="Checks the record of a session.")
options.add_argument("dir", help="the record")
options.add_argument("--device-key", metavar="FILE", help="the device's public key, if you know it from elsewhere")
options.add_argument("--anchor-key", metavar="FILE", action="append", default=[], help="the relay's public key")
options.add_argument("--anchors", metavar="FILE", action="append", default=[], help="anchors that were kept elsewhere")
options.add_argument("--receipt-head", metavar="HEX", help="the receipt: 32 digits")
options.add_argument("--receipt", metavar="WORDS", help="the receipt: twelve words; needs --words")
options.add_argument("--words", metavar="FILE", help="the 2048 English words of BIP 39, one a line")
options.add_argument("--tsa-ca", metavar="FILE", help="certificates to verify the time stamp with")
options = options.parse_args()
SMALL, LINE, MANIFEST, ANCHORS = 16 << 10, 256 << 10, 1 << 20, 16 << 20  # the longest that is read, in bytes
ENGINEERS = ["consent-asked", "let-in-by-pin", "guest-let-in"]  # events that tell who an engineer is
BESIDE = ["SHA256SUMS", "SHA256SUMS.sig", "SHA256SUMS.tsr", "anchors.jsonl"]  # what the manifest does not list
wrong = lambda why: sys.exit(f"wrong: {why}")
same = lambda one, other: type(one) is type(other) and one == other  # for python, True is 1
sha256 = lambda data: hashlib.sha256(data).hexdigest()
fingerprint = lambda key: "SHA256:" + base64.b64encode(hashlib.sha256(key).digest()).decode().rstrip("=")
natural = lambda value: type(value) is int and value >= 0
packed = lambda *texts: b"".join(len(text).to_bytes(4, "big") + text for text in texts)
def need(holds, why):
    return holds or wrong(why)
def read(name, most):
    with open(os.path.join(options.dir, name), "rb") as file:
        data = file.read(most + 1)
    return data if len(data) <= most else wrong(f"{name} is longer than any that an agent has written")
def take(data, shape):  # the parts of a form of OpenSSH's: s, a text behind its length; q and i, numbers of 8 and 4 bytes
    parts = []
    for kind in shape:
        size, data = int.from_bytes(data[: 8 if kind == "q" else 4], "big"), data[8 if kind == "q" else 4 :]
        parts.append(data[:size] if kind == "s" else size)
        if kind == "s":
            need(len(data) >= size, f"{place} is cut off")
            data = data[size:]
    return parts if not data else wrong(f"{place} has something behind its end")
def key_of(line):  # the only form of an ed25519 key's line
    form = re.fullmatch(r"ssh-ed25519 (AAAAC3NzaC1lZDI1NTE5AAAAI[A-Za-z0-9+/]{43})( [^\x00-\x1f\x7f-\x9f]*)?", line)
    return base64.b64decode(need(form, f"{place} is not the line of an ed25519 public key")[1])
def signer_of(armoured, namespace, message):  # the key that signed, and what its security key says of its user
    body = "".join(armoured.decode("ascii").split("\n")[1:-2])
    data = base64.b64decode(body, validate=True)
    text = "".join(body[i : i + 70] + "\n" for i in range(0, len(body), 70))
    text = f"-----BEGIN SSH SIGNATURE-----\n{text}-----END SSH SIGNATURE-----\n"
    is_one_form = text.encode() == armoured and base64.b64encode(data).decode() == body
    is_one_form = is_one_form and data[:10] == b"SSHSIG\0\0\0\1"  # so no bit of it is free
    need(is_one_form, f"{place} is not in the form that ssh-keygen writes")
    key, purpose, reserved, digest, signature = take(data[10:], "sssss")
    fits = (purpose, reserved) == (namespace.encode(), b"") and digest in (b"sha256", b"sha512")
    need(fits, f"{place} was made for something else than {namespace}")
    is_sk = signature[4:7] == b"sk-"
    kind, number = take(signature[:-5] if is_sk else signature, "ss")
    if b"ed25519" in kind:  # RFC 8032: a second form of the same signature is none
        order = 2**252 + 27742317777372353535851937790883648493
        need(len(number) == 64 and int.from_bytes(number[32:], "little") < order, f"{place} is no signature")
    with tempfile.NamedTemporaryFile() as file:
        file.write(armoured), file.flush()
        command = ["ssh-keygen", "-Y", "check-novalidate", "-n", namespace, "-s", file.name]
        verified = subprocess.run(command, input=message, capture_output=True).returncode == 0
    need(verified and (not is_sk or signature[-5] & 1), f"{place} does not fit what it should be of")
    return key, bool(is_sk and signature[-5] & 4)
def value_of(line):  # JSON in the one form in which agents write it
    reject = lambda text: wrong(f"{place} has a number that no agent writes")
    integer = lambda text: int(text) if len(text) < 21 and -(2**63) <= int(text) < 2**64 else reject(text)
    value = json.loads(line.decode("utf-8"), parse_float=reject, parse_constant=reject, parse_int=integer)
    parts = lambda value: value.values() if type(value) is dict else value if type(value) is list else ()
    depth = lambda value: (type(value) in (dict, list)) + max(map(depth, parts(value)), default=0)
    plain = json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n"
    need(plain.encode() == line and depth(value) < 128, f"{place} is not written as agents write it")
    return value
def check_proof(person, proof, is_guest):  # an engineer's signature: of their certificate's key, and of this request
    files = [proof[part] for part in ("statement", "signature", "certificate")]
    need(all(same(name, str(name)) and name in listed for name in files), f"{place} names files that are not listed")
    statement, signature, certificate = (read(name, SMALL) for name in files)
    form = r"([^ \x00-\x1f\x7f-\x9f]+) ([^ \x00-\x1f\x7f-\x9f]+)( [^\x00-\x1f\x7f-\x9f]*)?\n?"
    line = need(re.fullmatch(form, certificate.decode()), f"{place}: the certificate is not one line")
    kind, certificate = line[1], base64.b64decode(line[2], validate=True)
    signer, verified = signer_of(signature, "fieldlink-engage@v1", statement)
    need(signer == certificate, f"{place}: the signature is another certificate's")
    plain = kind.replace("-cert-v01@openssh.com", "@openssh.com" if kind.startswith("sk-") else "")
    count = 3 if kind.startswith("sk-ecdsa") else 2 if kind.startswith(("sk-", "ecdsa", "ssh-rsa")) else 1
    parts = take(certificate, "ss" + "s" * count + "qissqqsssss")
    form, _, *key, serial, user, key_id, _, _, _, asks, _, _, authority, _ = parts
    need(form.decode() == kind and user == 1, f"{place}: the certificate is no user's")
    need(asks == b"" or asks == packed(b"verify-required", b"") and verified, f"{place}: the certificate asks for more")
    key_id, said = key_id.decode(), proof["key_id"]  # shown as it is, unless it has characters that could do harm
    letters = lambda text: re.sub("[^A-Za-z0-9]", "", text)
    is_same = same(key_id, said) if re.fullmatch("[!-~]+( [!-~]+)*", key_id) else letters(key_id) == letters(said)
    facts = (fingerprint(packed(plain.encode(), *key)), fingerprint(authority), serial, verified)
    told = (proof[part] for part in ("fingerprint", "authority_fingerprint", "serial", "user_verified"))
    need(is_same and all(map(same, told, facts)), f"{place} says something else than the certificate")
    label, context, agent, opening = take(statement, "ssss")
    pairing, session, run, _, engineer, _, _, ticket, has_partner, partner, bound = take(context, "s" * 11)
    need((label, pairing) == (b"fieldlink-engage@v1", b"fieldlink/1 pair"), f"{place}: no request was signed")
    need(has_partner == b"\1" or (has_partner, partner) == (b"\0", b""), f"{place}: no request was signed")
    need((len(agent), len(opening)) == (32, 32), f"{place}: no request was signed")
    need(is_guest or session.hex() == record, f"{place}: the engineer signed for another session")
    is_asked = same(person["run"], run.hex()) and same(person["engineer"], engineer.hex())
    need(is_asked, f"{place}: another request was signed")
    need(bound == hashlib.sha256(certificate).digest(), f"{place}: the engineer signed for another certificate")
    engineers.append(f"{json.dumps(key_id)}, by the authority {facts[1]}, for the case {json.dumps(ticket.decode())}")
def seals_of(name, sizes):  # the hashes of a file's first bytes, as many as each of the sizes says, in one go
    total, hashed = 0, hashlib.sha256()
    with open(os.path.join(options.dir, name), "rb") as file:
        for size in sizes:
            while total < size and (piece := file.read(min(1 << 20, size - total))):
                total, _ = total + len(piece), hashed.update(piece)
            yield {"size": total, "sha256": hashed.hexdigest()}
def check():
    global place, listed, record
    # 1. The manifest: "HASH  NAME" in the order of the names.
    names = os.listdir(options.dir)
    is_closed = "SHA256SUMS" in names
    need(is_closed, "the record was not closed: its session runs, or its agent died and has not started since")
    # 3., for all that is read before: nothing is a link, a directory or a pipe.
    special = [name for name in names if not stat.S_ISREG(os.lstat(os.path.join(options.dir, name)).st_mode)]
    need(not special, f"{special[:1]} is no plain file")
    place, manifest = "SHA256SUMS", read("SHA256SUMS", MANIFEST)
    lines = re.findall(r"([0-9a-f]{64})  ([A-Za-z0-9][A-Za-z0-9._-]{0,63})\n", manifest.decode("ascii"))
    again = "".join(f"{digest}  {name}\n" for digest, name in lines)
    need(again.encode() == manifest, f"{place} has a line that is none")
    listed = {name: digest for digest, name in lines}
    is_ordered = list(listed) == sorted(name for _, name in lines)
    need(is_ordered and not set(BESIDE) & set(listed), f"{place} is not in order, or lists what is not to be listed")
    need({"device.pub", "events.jsonl"} <= set(listed), f"{place} does not list device.pub and events.jsonl")
    # 2. Its signature.
    place, line = "device.pub", read("device.pub", SMALL).decode("utf-8")
    device = key_of(need(line.endswith("\n") and line, "device.pub is cut off")[:-1])
    place = "SHA256SUMS.sig"
    signer, _ = signer_of(read("SHA256SUMS.sig", SMALL), "fieldlink-evidence@v1", manifest)
    need(signer == device, "SHA256SUMS.sig is by another key than that in device.pub")
    place = options.device_key
    is_known = not place or device == key_of(open(place).read().strip())
    need(is_known, "the record is signed by another key than the device's")
    # 3. Nothing more and nothing less than what is listed. 4. Every file has its hash.
    extra, absent = set(names) - set(listed) - set(BESIDE), set(listed) - set(names)
    need(not extra and not absent, f"{sorted(extra)} do not belong to the record, and {sorted(absent)} are missing")
    files = {name: next(seals_of(name, [float("inf")])) for name in listed}
    for name in listed:
        need(files[name]["sha256"] == listed[name], f"{name} was changed: it has another hash than SHA256SUMS lists")
    # 5. The account: each line has the number behind, and the hash of, the line before.
    heads, before, seals, proofs, event = [], "0" * 64, {}, [], {}
    with open(os.path.join(options.dir, "events.jsonl"), "rb") as account:
        while line := account.readline(LINE + 1):
            place = f"events.jsonl, line {len(heads) + 1}"
            need(len(line) <= LINE and line.endswith(b"\n"), f"{place} is cut off or too long")
            entry = value_of(line)
            is_line = list(entry) == ["seq", "prev", "time", "boot_ms", "event"]
            need(is_line and type(entry["time"]) is str and natural(entry["boot_ms"]), f"{place} is no line of an account")
            follows = same(entry["seq"], len(heads)) and same(entry["prev"], before)
            need(follows, f"{place} does not follow the line before")
            event, before = entry["event"], sha256(line)
            heads.append(before)
            kind = need(type(event["type"]) is str and event["type"], f"{place} has no type")
            need((kind == "record-began") == (len(heads) == 1), f"{place}: record-began is the first line, and only that")
            if kind == "record-began":
                first, record = event, event["session"]
                is_known = same(event["format"], 1) and re.fullmatch("[0-9a-f]{64}", event["random"])
                is_named = re.fullmatch("[0-9a-f]{32}", record) and type(event["device"]["name"]) is str
                need(is_known and is_named, f"{place} is of another format")
                is_own = event["device"]["key"] + "\n" == read("device.pub", SMALL).decode()
                need(is_own, f"{place} names another device's key")
                need(all(type(key) is str for key in event["anchor_keys"] + []), f"{place}: anchor_keys are no keys")
            if kind == "terminal-sealed":
                is_seal = natural(event["size"]) and re.fullmatch("[0-9a-f]{64}", event["sha256"])
                need(is_seal, f"{place}: the seal is none")
                seals.setdefault(event["file"], []).append((event["size"], event["sha256"], place))
            asked = event["leave"] if kind == "leave-asked" else event if kind in ENGINEERS else None
            is_guest = kind == "guest-let-in" or kind == "leave-asked" and asked["kind"] == "guest"
            need(kind != "leave-asked" or type(asked["kind"]) is str, f"{place} has no kind")
            if (kind in ENGINEERS or is_guest) and asked["certified"] is not None:
                need(natural(asked["seat"]), f"{place} has no seat")
                proofs.append((place, asked["person"], asked["certified"], is_guest))
    need(heads, "events.jsonl is empty")
    is_closed = event["type"] == "record-closed"
    need(is_closed, f"{place}: the account does not end with record-closed, so its end was cut off")
    others = {name: files[name] for name in files if name != "events.jsonl"}
    closed = json.dumps(event["files"], sort_keys=True) == json.dumps(others, sort_keys=True)
    need(closed and type(event["late"]) is bool, f"{place}: the files are not those that the account closed with")
    # 6. What terminals showed, as it was sealed while it grew.
    for name, sealed in seals.items():
        need(name in files, f"{sealed[0][2]} seals {json.dumps(name)}, which is not listed")
        sealed.sort(key=lambda one: one[0])
        for found, (size, digest, place) in zip(seals_of(name, [one[0] for one in sealed]), sealed):
            need(found == {"size": size, "sha256": digest}, f"{name} was changed: {place} sealed other bytes")
    # 7. Who the engineers are.
    for place, person, proof, is_guest in proofs:
        check_proof(person, proof, is_guest)
    # 8. What the relay has signed.
    place, checked, outside, last = "events.jsonl, line 1, anchor_keys", 0, 0, (-1, "")
    keys = [key_of(open(file).read().strip()) for file in options.anchor_key]
    keys = keys or [key_of(line) for line in first["anchor_keys"]]
    kept = [("anchors.jsonl", read("anchors.jsonl", ANCHORS), False)] if "anchors.jsonl" in names else []
    kept += [(file, open(file, "rb").read(), True) for file in options.anchors]
    for file, data, is_outside in kept:
        for number, line in enumerate(re.findall(rb"[^\n]*\n|[^\n]+", data)):
            place = f"{file}, line {number + 1}"
            anchor = value_of(line)
            form = r"fieldlink-anchor v1 \| ([0-9a-f]{32}) \| (0|[1-9][0-9]{0,19}) \| ([0-9a-f]{64}) \| ([!-~]{20})"
            is_anchor = list(anchor) == ["line", "signature"] and type(anchor["signature"]) is str
            parts = need(is_anchor and re.fullmatch(form, anchor["line"]), f"{place} is no anchor")
            session, seq, head, time = parts.groups()
            need(int(seq) < 2**64, f"{place} is no anchor")
            if session != record and is_outside:
                continue
            need(session == record, f"{place} is of another session")
            signed = (anchor["line"] + "\n").encode()
            if keys or is_outside:  # a device that knows no key of the relay's keeps what it cannot check
                signer, _ = signer_of(anchor["signature"].encode(), "fieldlink-anchor@v1", signed)
                need(signer in keys, f"{place} is not signed by a key of the relay's that is known: see --anchor-key")
            end = f"it ends with event {len(heads) - 1}, and the relay has anchored event {seq} at {time}"
            need(int(seq) < len(heads), f"the account was cut: {end}")
            is_same = heads[int(seq)] == head
            need(is_same, f"the account was rewritten after the relay had anchored event {seq} at {time}")
            checked, outside = checked + 1, outside + is_outside
            last = max(last, (int(seq), time))
    is_other = not outside and any(data for _, data, is_outside in kept if is_outside)
    need(not is_other, "none of the anchors that were kept outside of the record is of its session")
    # 9. The receipt: the first half of the hash of a line.
    receipt, covers = options.receipt_head, [head[:32] for head in heads]
    if options.receipt:
        words, place = options.receipt.lower().split(), "the receipt"
        known = open(options.words or wrong("--receipt needs --words")).read().split()
        number = sum(known.index(word) << 11 * (len(words) - 1 - at) for at, word in enumerate(words))
        checksum = hashlib.sha256((number >> 4).to_bytes(16, "big")).digest()[0] >> 4 if len(words) == 12 else -1
        need(checksum == number & 15, "the words do not fit together")
        receipt = f"{number >> 4:032x}"
    need(receipt is None or receipt in covers, "the receipt is of no line of this account")
    if options.tsa_ca:
        paths = [os.path.join(options.dir, name) for name in ("SHA256SUMS", "SHA256SUMS.tsr")]
        command = ["openssl", "ts", "-verify", "-data", paths[0], "-in", paths[1], "-CAfile", options.tsa_ca]
        need(subprocess.run(command, capture_output=True).returncode == 0, "SHA256SUMS.tsr is no time stamp of SHA256SUMS")
    stamp = "SHA256SUMS.tsr" in names and ("valid" if options.tsa_ca else "there, not checked: see --tsa-ca")
    print(f"the record of the session {record} is whole")
    print(f"  device      {json.dumps(first['device']['name'])}, {fingerprint(device)}")
    print(f"  account     {len(heads)} events, head {before}")
    print(f"  receipt     {before[:32]}, the first 128 bits of the head")
    if receipt:
        print(f"              yours covers the first {covers.index(receipt) + 1} of {len(heads)} events")
    print(f"  files       {len(files)}")
    print(f"  anchors     {checked}" + (f", the last of event {last[0]} at {last[1]}" if checked else "")
          + ("" if keys or not checked else "; whose they are nobody has checked: see --anchor-key"))
    print("".join(f"  engineer    {engineer}\n" for engineer in engineers), end="")
    print(f"  time stamp  {stamp or 'none'}")
place, engineers = options.dir, []
try:
    check()
except (ArithmeticError, AttributeError, LookupError, OSError, RecursionError, TypeError, ValueError) as fault:
    wrong(f"{place} is not as it is written: {type(fault).__name__} {str(fault)[:200]!r}")
PYTHON

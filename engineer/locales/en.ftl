# What the engineer reads, in English. A message's name and arguments are those of the code (engineer/src); a test
# compares both.

## The program

program-says = fieldlink-connect: { $message }
not-started = could not start
no-signals = could not watch for signals
own-path-unknown = could not find out where this program is
own-part-failed = a part of fieldlink-connect failed: please report what it printed above
platform-not-supported = not supported on this platform yet: use Linux or another Unix
in-the-background = this program is in the background

## What is being waited for, and what has happened

connecting = connecting to { $relay }
checking-pin = checking the PIN with the scanner
waiting-for-client = waiting for the client to allow ({ $seconds } s)
connected = connected to { $hostname } ({ $id }) as { $user }, for { $minutes } minutes
interrupted = the connection to the scanner is interrupted: { $trouble }
connected-again = connected again
time-is-short = { $minutes ->
    [1] the session ends in one minute: ask for more time with fieldlink-connect extend
   *[other] the session ends in { $minutes } minutes: ask for more time with fieldlink-connect extend
  }
minutes-in-title = { $minutes } min left on the scanner
minutes-to-go = { $minutes } min left; Ctrl-C ends the session
more-time = the client granted more time: { $minutes } minutes left
line-of-answer = { $time }  the client, to “{ $question }”: { $text }
line-of-answer-in = { $time }  the client, to “{ $question }” ({ $language }): { $text }
asked-for-time = { $minutes } more minutes?
answer-done = done
listed-question = { $name }: { $text } ({ $choices })
listed-step = { $name }: { $text } (a step)
ready-light-at-start = What does the light on the scanner show just after it is switched on?
ready-light-while-scanning = What does the light on the scanner show during a scan?
ready-sounds = What can you hear from the scanner?
ready-battery-swap = Swap the battery.
ready-cable = Unplug the network cable and plug it in again, at both ends.
ready-restart-by-hand = Switch the scanner off and on again; that ends the session.
client-here = the client is there
client-asked = the client is being asked whether they are still there
client-away = the client has not said that they are there; you can go on
data-moved = { $megabytes } MB moved so far
data-held = { $megabytes } MB moved so far; the client is being asked whether more may go over their metered connection, and transfers wait
data-refused = { $megabytes } MB moved so far; the client has not agreed that more goes over their metered connection: transfers are cut, and in a minute the next one asks them again
recording-stopped = what terminals show is not recorded on the scanner from here on: the room for it is used up, or its disk does not take it; everything else is recorded as far as the disk takes it
health-not-told = the scanner does not say how it is: its software may be too old for that, or the session is over ({ $said })
diagnosis-asked-for = waiting for the scanner: the client may be asked first …
diagnosis-collecting = { $bar } the scanner collects diagnostics …
diagnosis-saving = { $bar } saving diagnostics …
diagnosis-saved = Diagnostics are in { $path }; contents.txt in it lists what was taken. To look in: tar -xf { $path }
no-diagnosis = there are no diagnostics: { $said }
battery-is-low = the scanner's battery is at { $percent } %: have the client connect it to power, or swap the battery
client-held = the client is not there: what you type and send waits until they are back (fieldlink-connect call rings the scanner)
quiet-for = announced that you work alone for { $minutes } more minutes
quiet-announced = the client knows that you work alone for { $minutes } minutes
quiet-is-over = the client knows that you do not work alone any more
client-called = the scanner rings
noted = noted; the client reads it, too
too-much-announced = too much was announced just now: try again in a few seconds
chat-arrived = the client: { $text }
lines-left-out = { $count } lines from the other side were left out, because they came too fast
# What is wrong with the connection to the scanner, as a part of a sentence.
trouble = { $tries ->
    [0] { $problem }; connecting again
    [1] { $problem }; connecting again, 1 try has failed
   *[other] { $problem }; connecting again, { $tries } tries have failed
  }
nothing-comes-through = nothing comes through any more

## Restarts

restart-begins = the scanner restarts; expected back in { $minutes } minutes, and then the client is asked whether the session goes on
power-may-go = the client may cut the power now; once the scanner is back, in about { $minutes } minutes, they are asked whether the session goes on
scanner-restarts = the scanner restarts and its client has to agree again: { $minutes } of { $most } minutes; Ctrl-C ends the session
asked-for-restart = restart?
asked-for-power = may the power be cut?
end-not-told = the session is over here, but the relay could not be told: the scanner's client may be asked to go on, in vain
not-now-never = not allowed by this scanner: policy.restart = "never" in agent.toml
not-now-operation = an operation runs, which must not be interrupted: see how far it is with fieldlink-connect operation --follow
not-now-relay = the relay is too old to keep a session over a restart: have it updated
not-now-unable = this scanner cannot be restarted from here
not-now-not-stored = the scanner could not write down what it needs to go on afterwards, so it does not restart (is its disk full?)
not-now-interrupted = the connection was interrupted when the client answered, so the scanner does not restart: ask again
not-now-under-way = the scanner prepares to restart already
no-way-back = nothing is there with which to come back
command-cut-by-restart = the scanner restarts, and the command was cut off; come back to the session with: fieldlink-connect { $id }

## Operations

shells-are-killed = what you type is killed when the session ends; what must not be cut in half is an operation (fieldlink-connect operation)
operation-listed = { $operation }  { $title }
operation-listed-file = { $operation }  { $title } (takes a file of up to { $megabytes } MB)
operation-sending = sending the file, { $percent } %
operation-started = { $operation } runs; from here on nothing but its own end ends it
operation-progress = { $percent } %
operation-skipped = some lines were left out, because they came too fast
operation-after-restart = it goes on by itself when the scanner has restarted
operation-succeeded = { $operation } has finished
operation-failed = { $operation } has failed with exit code { $code }
operation-killed = { $operation } was ended by signal { $signal }
operation-lost = { $operation } was interrupted, and nobody knows how far it came: look at the scanner before anything else
operation-wants-restart = { $ended }; the scanner needs a restart for it (fieldlink-connect restart)
operation-goes-on = the operation goes on by itself; see how far it is with fieldlink-connect operation --follow, also in a later session
operation-not-reached = could not reach the scanner's operations: { $said }
operation-starts = the scanner starts the operation { $operation }
operation-runs = the scanner runs the operation { $operation }; it goes on whatever becomes of the session
operation-runs-percent = the scanner runs the operation { $operation }: { $percent } %
operation-waits = the operation { $operation } goes on by itself when the scanner has restarted
operation-none-here = this scanner has no operations (agent.toml names none)
operation-unknown = this scanner has no operation of that name; it has: { $names }
operation-never = not allowed by this scanner: policy.operations = "never" in agent.toml
operation-too-often = the client was asked too often just now: try again in ten seconds
operation-busy = another operation runs, or is about to: see how far it is with fieldlink-connect operation --follow
operation-not-any-more = the session is over, or the client's yes is: nothing was started
operation-takes-no-file = this operation takes no file
operation-file-too-large = the file is too large for this operation: { $detail }
operation-file-incomplete = the file did not arrive in full, and nothing was started: { $detail }
operation-not-started = nothing was started: { $detail }
operation-none-yet = no operation runs on this scanner, and none has
file-unreadable = could not read { $path }: { $error }
no-ordinary-file = { $path } is no ordinary file
file-broke-off = could not read on in the file: { $error }

## Why a session ended, as a part of a sentence

reason-engineer-ended = the engineer ended it
reason-engineer-stopped = the engineer's program was stopped
reason-client-ended = the client ended it
reason-client-refused = the client did not allow it
reason-no-answer = the client did not answer
reason-time-up = the agreed time is over
reason-relay-limit = the support service's time limit was reached
reason-revoked = the engineer's access was withdrawn
reason-relay-stopping = the support service is restarting
reason-relay-restarted = the support service was restarted
reason-agent-stopped = remote access was switched off on the scanner
reason-agent-restarted = remote access failed on the scanner and was started again
reason-connection-lost = the connection was lost
reason-engineer-lost = the connection to the engineer was lost
reason-silence = the other side fell silent
reason-tampered = a message was altered or out of order on its way
reason-incompatible = the programs of the two sides do not understand each other (update the older one)
reason-restarting = the scanner restarts
reason-not-back = the scanner did not come back from its restart in time
reason-session-process-lost = the scanner's session process failed
reason-scanner-failed = the scanner could not start the session
reason-id-taken = the support service no longer accepts this support ID
reason-busy = another engineer is connected to this scanner
reason-wrong-pin = the PIN was not right
reason-burnt = the support ID and PIN were used up by wrong PINs
reason-burnt-by-refusals = the client did not allow it for the second time, which used up the support ID and PIN
reason-burnt-by-withdrawals = the client was asked too often without being able to answer, which used up the support ID and PIN
reason-relay-ended = the support service ended it
reason-pairing-timeout = pairing took too long
reason-partner-missing = the other side did not answer in time
reason-pairing-aborted = pairing was broken off
reason-certificate-missing = the scanner asks for an engineer's certificate, and none arrived
reason-certificate-unsupported = the engineer's certificate is of a kind that the scanner does not accept
reason-certificate-authority = the engineer's certificate is not from an authority that the scanner trusts
reason-certificate-expired = the engineer's certificate has expired
reason-certificate-not-yet-valid = the engineer's certificate is not valid yet
reason-certificate-principal = the engineer's certificate is for none of the people whom the scanner lets in
reason-certificate-revoked = the engineer's certificate was revoked
reason-certificate-not-hardware = the scanner asks for a security key that verifies its user, and the engineer's certificate is for another kind of key
reason-revocation-unknown = the scanner cannot read its list of revoked certificates, and lets nobody in
reason-clock-not-set = the scanner's clock is not set yet, so it cannot judge the engineer's certificate
reason-proof-namespace = the engineer's signature was made for something else
reason-proof-signature = the engineer's signature is not right
reason-proof-other-scanner = the engineer's signature was made for another scanner
reason-proof-replayed = the engineer's request belongs to another try
reason-proof-altered = the request was altered on its way to the scanner
reason-proof-other-key = the engineer's certificate is not for the key with which the session began
reason-removed = you were asked to leave it
reason-other-device = the link was used on another device first, and is good only there
reason-code-used-up = the join code is used up, or too old
reason-unknown = it ended for a reason this version does not know
# By the relay's word alone.
relay-says = the relay says: { $cause }
cause-with-detail = { $cause } ({ $detail })

## What was seen when it ended, as a part of a sentence

relay-closed = the relay closed it: { $text }
relay-gone = the connection to the relay is gone
relay-did-not-answer = the relay did not answer
scanner-closed = the scanner closed the control connection
scanner-gone = the connection to the scanner is gone
it-was-cut = it was cut
session-key-forgotten = the scanner does not know the key of this session any more
pairing-out-of-turn = a pairing message came out of turn

## The end of a session

session-over = the session is over: { $cause }
session-is-over = the session is over
session-is-ending = the session is ending
stopped-before = stopped before the session began
ended-before = ended before the session began, as you asked
holder-gone = the program that held the session is gone: see fieldlink-connect status

## A session that did not begin

session-not-begun = the session did not begin: { $cause }; { $next }
# What to do next.
next-after-refusal = talk to the client; a second refusal switches remote access off, and then there is a new ID and PIN
next-after-no-answer = ask the client to look at the scanner's screen, which says whether ID and PIN still hold: a second request without a yes uses them up
next-when-over = try again when that session is over
next-pin-again = ask the client to read the PIN out again
next-ask-operator = ask the relay's operator
next-after-refusals = talk to the client, who has to start remote access again
next-start-again = ask the client to start remote access again
next-look-whether-on = ask the client whether remote access is still on, and try again
next-new-pin = ask the client for a new ID and PIN
next-use-certificate = choose yours with fieldlink-connect certificate use FILE; if you have, the relay took it away: tell its operator
next-ask-authority = look at it with fieldlink-connect certificate show, and ask your authority for another one
next-ask-scanners-operator = ask whoever looks after the scanner to put its list of revoked certificates in order
next-when-clock-is-set = try again in a minute, when the scanner has learnt the time from its network
next-report-tampering = the relay, or a computer on the way, changed it: tell the relay's operator

## The call

neither-id-nor-command = { $words } is neither a support ID nor a command: see fieldlink-connect --help
check-id = { $error }: check it with the client
ask-for-ticket = Ticket:{" "}
ticket-missing = no session to { $id } is open here; to call it, name the support case with --ticket
ticket-unreadable = could not read the ticket from the terminal: { $error }

## The PIN

ask-for-pin = PIN:{" "}
pin-again = { $error }: type it again
# Where it comes from.
pin-from-terminal = the terminal
pin-from-input = its input
pin-from-code = the join code
pin-unreadable = could not read the PIN from { $source }: { $error }
pin-unreadable-on-stdin = could not read the PIN from standard input: { $error }
pin-unreadable-on-descriptor = could not read the PIN from descriptor { $number }: { $error }
pin-missing = no PIN came from { $source }
pin-did-not-come = no PIN came
pin-not-expected = no PIN was expected
pin-without-terminal = could not ask for the PIN: there is no terminal ({ $error }); use --pin-fd
pin-rejected = the PIN was not accepted: ask the client to read it out again ({ $left } more may be tried for this ID)
pin-rejected-last = the PIN was not accepted: this was the second one for this ID, and this program stops here for an hour; ask the client to start remote access again (new ID and PIN)
too-many-wrong-pins = two wrong PINs were tried for this ID; this program stops here for an hour, so that nobody can use it to guess: ask the client to start remote access again (new ID and PIN)
guesses-unreadable = could not read the memory of wrong PINs in { $path } (if you know why it is damaged, remove it)
guesses-version = its version is { $version }

## Lines that are typed or handed over

standard-stream = 0, 1 and 2 are the standard streams: name another one
line-too-long = the line is too long
line-not-text = the line is not UTF-8 text

## The engineer's certificate

own-certificate =
    { $name } ({ $company }), as { $principals }
    { $times }, number { $serial }
    key        { $key }
    authority  { $authority }
    file       { $path }
own-certificate-none = no certificate is chosen: fieldlink-connect certificate use FILE
own-certificate-forgotten = scanners that ask for a certificate will not let you in any more
own-certificate-missing = the certificate { $path } is not there: ask your authority for one, or choose another with fieldlink-connect certificate use FILE
own-certificate-unusable = could not use the certificate { $path }: { $error }
own-certificate-expired = the certificate { $path } has expired ({ $times }), and your authority has not written a new one there: ask it for one; no scanner was called
own-certificate-not-yet = the certificate { $path } is not valid yet ({ $times }): look at this computer's clock; no scanner was called
own-certificate-soon = your certificate expires in { $minutes } minutes: a session that has begun goes on, but you cannot call again without a new one
# Parts of a sentence.
valid-for-ever = valid for ever
valid-from-to = valid from { $after } to { $before }
not-signed = the key of the certificate did not sign in time
not-signed-with-file = ssh-keygen could not sign with { $path }, the key of the certificate
not-signed-with-agent = ssh-keygen could not sign: the key of the certificate lies neither beside it nor in your ssh-agent (ssh-add -L lists the keys there)
signature-unusable = could not use what ssh-keygen has signed: { $error }

## The login

ask-for-credential = Credential:{" "}
ask-for-rest = The rest of it:{" "}
logged-in = logged in to { $relay } as { $name } ({ $company })
not-logged-in = not logged in: { $path } does not exist; run: fieldlink-connect login --relay wss://RELAY
no-credential = not logged in: there is no credential; run: fieldlink-connect login --relay wss://RELAY
credential-not-asked-for = could not ask for the credential
credential-unreadable = could not read the credential
credential-unreadable-on-stdin = could not read the credential from standard input
credential-not-given = no credential was given: paste what the relay's operator handed over
credential-unusable = could not use { $path }: log in again, or restore it
ca-file-missing = could not find the CA file { $path }
path-not-text = the path { $path } is not UTF-8 text
configuration-unusable = could not use the configuration { $path }
window-out-of-range = could not use { $file }: pipe_window_bytes must be from { $from } to { $to }, not { $window }

## The relay

credential-refused = the relay { $relay } refused this credential: it is unknown or was withdrawn; ask the relay's operator for a new one, then run: fieldlink-connect login --relay { $relay }
certificate-unknown = { $error }; if the relay has a CA of its own, log in again with --ca-file
certificate-foreign = { $error }; either something on this network reads along (try another one), or the --ca-file of the login is not this relay's
tls-blocked = { $error }; something on this network may block it: try another one
relay-unreachable = { $error }; check the network and the relay's address
relay-not-as-agreed = the relay { $relay } answers, but not as agreed: ask its operator
relay-not-understood = could not understand the relay { $relay }: { $error }: upgrade this program or the relay
login-failed = could not log in to the relay { $relay }: { $error }; try again
login-unanswered = could not log in to the relay { $relay }: it did not answer; try again
relay-busy = the relay is busy: try again shortly
relay-broke-agreement = the relay did not answer as agreed: ask its operator

## The report of a session

report-kept = the report of this session is in { $path }
report-so-far = the report of this session is in { $path }. What the client says about the session comes into it, for ten minutes: Ctrl-C leaves it as it is
report-incomplete = not all of it came: the client has it
report-not-kept = the report of this session could not be kept here: { $why }
over-and-fetching = { $end }; the report is being fetched
waiting-for-report = waiting for the report of this session; Ctrl-C leaves it with the client
fetching-report = fetching the report, { $kilobytes } kB to go; Ctrl-C leaves it with the client
no-report = no report is kept here of this session
report-there-often = could not keep the report of session { $session }: several of it are kept already
no-reports = no reports are kept here: one is fetched when a session is over
several-reports = several sessions match: name the session by its ID, as the list shows it
report-form-missing = the report of this session did not come in this form: only { $forms } did
column-ended = ENDED
column-session = SESSION

## What the relay signs of a session

anchor-not-kept = what the relay signs of the session's account is not kept here, and so proves nothing for you: { $why }
anchor-of-another = it is of another session
anchor-key-unusable = could not use anchor_keys in { $file }: { $error }
no-anchors = the relay has signed nothing yet of sessions that you took part in
no-anchors-of-session = there is nothing that the relay has signed of a session whose ID begins with { $session }, or there are several: fieldlink-connect anchors lists them

## A scanner that is not to be had

too-many-requests = too many requests within a minute: try again in { $seconds } s
relay-without-room = the relay has no room at the moment: try again shortly
relay-cannot-write = the relay begins no session, because it cannot write to its disk: tell the relay's operator (your computer, the scanner, the ID and the PIN are all right)
scanner-not-available = { $id } is not available: it is unknown, switched off or in a session; ask the client to check that remote access is on and to read the ID out again
scanner-not-connected = the scanner is not connected to the relay

## SSH connections of a session

no-pipe = the relay opened no connection: { $why }
no-pipe-session = the session is not open
no-pipe-scanner = the scanner is not connected at the moment, try again shortly
no-pipe-too-many = the session has as many connections as it may have, close one first
no-pipe-kind = it serves no connection of this kind
no-pipe-unknown = its reason is not known to this version
no-pipe-unanswered = it did not answer
too-many-connections = the session has { $count } ssh connections open: end one of them, or try again later
wait-for-scanner = the connection to the scanner is interrupted ({ $trouble }): try again when fieldlink-connect status says active
wait-for-client = the client has not allowed the session yet; wait for it
wait-for-restart = the scanner restarts, and its client is asked whether the session goes on: try again once it does
wait-for-beginning = the session has not begun yet; wait for it
proxy-broke = the connection broke: { $error }
not-handed-over = could not pass the connection to ssh: { $error } (use --stdio without ssh)

## A session that is held

session-is-open = the session is open; Ctrl-C ends it
shell-closed = the shell is closed; { $count } connections are still open, the session goes on until they close; Ctrl-C ends it
session-goes-on = ssh failed, and the session goes on: fieldlink-connect { $id } in another terminal opens a shell; Ctrl-C here, or fieldlink-connect end { $id }, ends it
session-left = { $why }: the session is held for five minutes; come back to it with fieldlink-connect { $id }, end it with fieldlink-connect end { $id }
# Why it is left.
ssh-got-no-connection = ssh got no connection
ssh-failed = ssh failed
terminal-gone = the terminal is gone
another-shell = a session to this scanner is open: this opens another shell in it
coming-back = coming back to the session for ticket { $ticket }, which this program was killed in
could-not-come-back = could not come back to the session: { $why }; try again within five minutes of the break
publishing-again = { $error }: the session is held, and this is tried again until it works
holder-killed = the program that holds the session was killed; if there was a session, come back to it within five minutes with fieldlink-connect { $id }
hold-started-by-hand = only fieldlink-connect itself starts hold
no-socket = could not make a socket
holder-not-started = could not start the program that holds the session
holder-not-waited-for = could not wait for the program that holds the session

## How other programs use a session

use-own-config = from other terminals: { $shell }ssh -F { $config } scanner
use-by-name = from other terminals: { $shell }ssh { $names } (scp, sftp, rsync, git … likewise)
one-name-or-another = { $names }, or { $name }
plain-ssh-not-installed = (for plain ssh, see: fieldlink-connect ssh-config --install)
plain-ssh-differs = (plain ssh would do something else: { $advice })
plain-ssh-not-tried = plain ssh was not tried: your shell or ssh takes too long
own-shell-in-the-way = (ssh without SHELL=/bin/sh gets no connection here: { $trouble })
shell-is-nothing = SHELL is set to nothing
shell-runs-nothing = SHELL={ $shell } runs no commands
shell-prints = SHELL={ $shell } prints something whenever it starts, as from ~/.zshenv or config.fish
shell-not-started = SHELL={ $shell } cannot be started

## Which session

no-session = no session is open
no-session-yet = no session is open: run fieldlink-connect ID first
open-now = open now: { $names }
sessions-are-open = { $count } sessions are open: name one
several-sessions = several sessions are open, name one: { $open }
session-not-open = no session to { $id } is open; open now: { $open }
session-not-open-yet = the session to { $id } is not open yet: the client has not allowed it
name-of-none-or-several = { $name } stands for no open session, or for several
session-already-open = a session to { $grouped } is open already: use it with ssh scanner-{ $id } or fieldlink-connect run, or end it with: fieldlink-connect end { $id }
session-broken-off = the session to { $grouped } was broken off; come back to it with: fieldlink-connect { $id }
session-cannot-be-ended = could not end the session to { $id }: its program does not answer; stop that
session-not-reached = could not reach the session
session-answered-else = the session answered something else
holder-does-not-answer = the session's program does not answer: look at the terminal that it runs in
holder-broke-off = the session's program broke off: it was stopped, or is older than this one; see fieldlink-connect status

## The list of sessions

column-id = ID
column-scanner = SCANNER
column-ticket = TICKET
column-state = STATE
column-left = LEFT
column-connections = CONNECTIONS
seconds-left = { $seconds } s
minutes-left = { $minutes } min

## Who takes part in a session

in-the-session = in the session: { $people }
person-of-company = { $name }, { $company }
person = { $name } ({ $part })
person-is-you = you ({ $part })
part-owner = it is theirs
part-owner-you = it is yours
part-working = works
part-watching = watches
part-invited = { $part }, has not come yet
part-away = { $part }, out of reach at the moment
pass-the-link-on = the link is for one person and the first computer that uses it: pass it on where nobody else reads it; they type fieldlink-connect watch, and paste it
pass-the-code-on = the join code is good for one engineer, for { $minutes } minutes and three tries: read it out to them; they type fieldlink-connect join, and then the code; the client is asked when they do
share-never = not allowed by this scanner: policy.guests = "never" in agent.toml
share-relay-too-old = the relay is too old for further people in a session: have it updated
share-not-now = the scanner could not arrange it with the relay just now: try again in a moment
person-removed = they have left the session
session-handed-over = the session is theirs now: you can leave without ending it
asked-to-share = may { $name } watch?
asked-to-share-and-report = may { $name } watch, and have the report?
asked-for-join-code = a join code?
asked-to-hand-over = the session to { $name }?
asked-to-remove = out with { $name }?
not-now-not-owner = only the engineer whose session it is can do that (fieldlink-connect status names them)
not-now-nobody = nobody in the session has that name, or nobody to whom that can be done: fieldlink-connect status names everybody
not-now-too-many = as many people take part as can: have one of them leave first (fieldlink-connect remove NAME)
not-now-name-taken = somebody in the session has that name already: choose another
you-only-watch = you only watch this session: join it without --observe to work in it

## Joining a session

ask-for-join-code = Join code:{" "}
ask-for-six-digits = The last six digits of the join code:{" "}
six-digits-wanted = the secret half of a join code has six digits
join-code-unreadable = could not read the join code: { $error }
join-code-missing = no join code came
join-code-not-available = { $id } is no join code that is good now: it was used, is older than five minutes, or is mistyped; ask the engineer who gave it for another (fieldlink-connect share --engineer)
join-code-rejected = the join code was not accepted: have it read out again ({ $left } more may be tried from here)
join-code-rejected-last = the join code was not accepted: this was the second try, and this program stops here; ask for another code
next-new-join-code = ask the engineer who gave the code for another (fieldlink-connect share --engineer)
next-ask-owner = ask the engineer who gave the code, who is on the phone with the client

## Watching

ask-for-link = Link:{" "}
link-unreadable = could not read the link: { $error }
link-missing = no link came
link-relay = the link names no relay that can be reached: copy all of it
link-not-valid = the link is not valid any more: the session is over, or it was withdrawn; ask whoever gave it
link-not-accepted = the scanner does not know this link: copy all of it, or ask whoever gave it for another
link-watched-here = another program on this computer watches with this link already
connecting-to-watch = connecting; q leaves
watching = watching { $hostname }, case { $ticket }, { $minutes } minutes left
watching-interrupted = the connection is interrupted, and is tried again
view-failed = could not show the session: { $error }
view-title = { $count ->
    [0] nothing is open
    [1] one terminal
   *[other] { $count } terminals, n shows the next
  } · you watch · q leaves
view-title-cut = { $count ->
    [0] nothing is open
    [1] one terminal
   *[other] { $count } terminals, n shows the next
  } · larger than this window · q leaves
view-nothing-open = nothing is open on the scanner at the moment
view-shell = shell
view-command = command { $what }
view-files = files
view-forward = connection to { $what }
view-health = health
view-diagnosis = diagnostics
view-operation = operation
view-something = something of a later version
view-of = { $who }: { $channel }
view-opened = { $what } begins
view-closed = { $what } is over: { $how }
view-exit = exit code { $code }
view-signal = ended by signal { $signal }
view-ended = closed
view-not-begun = it never began
view-was-cut = it was cut
view-unfollowed = it goes on, and is not shown any more
view-skipped = { $kilobytes } kB are left out
seen-time-left = { $minutes } minutes left
seen-chat-engineer = the engineer: { $text }
seen-chat-client = the client: { $text }
seen-asked = the client is asked: { $question }
seen-answered = the client: { $answer }
seen-quiet = the engineer works alone for { $minutes } minutes
seen-quiet-over = the engineer does not work alone any more
seen-note = noted: { $text }
seen-resolved = outcome: it is resolved
seen-workaround = outcome: there is a workaround
seen-second-session = outcome: a second session follows
seen-outcome = { $result }; { $summary }
seen-interrupted = the engineer is out of reach at the moment
seen-resumed = the engineer is in reach again

## Questions to the client, and lines

waiting-for-answer = waiting for the client; Ctrl-C takes the question back
time-granted = the client granted it: { $minutes } minutes left
client-said-no = the client said no: talk to them
client-did-not-answer = the client did not answer: ask them to look at the scanner's screen, then try again
client-is-being-asked = the client is being asked something else: try again when that is answered
no-more-time = there is no more time to grant: a session lasts { $minutes } minutes at most; end it, and have the client start another
scanner-answered-else = the scanner answered something else than was asked
scanner-too-old = the scanner's software is too old for { $feature }: use the telephone, and update it when you can
too-many-choices = too many choices: name { $most } at most
choice-twice = a choice is there twice: name each once
too-many-lines-wait = too many lines wait to be sent already: try again later
line-delayed = the connection to the scanner is interrupted ({ $trouble }): the line arrives after that
line-of-client = { $time }  the client: { $text }
line-of-engineer = { $time }  you: { $text }

## Commands and forwarded ports

no-command = no command was given: name one behind --, or use fieldlink-connect ID for a shell
forward-nothing = nothing to forward was named
forward-unreadable = could not read { $words }: write it as PORT:HOST:PORT, ADDRESS:PORT:HOST:PORT or /PATH:HOST:PORT, as in 8080:localhost:80 (IPv6 addresses in brackets)
forwarding = forwarding { $local } to { $target }; Ctrl-C ends
could-not-listen = could not listen at { $place }
socket-there-already = could not listen at { $path }: it is there already; remove it, or name another
port-unknown = could not tell the port
peer-at-socket = the socket
connection-failed = the connection from { $peer } failed: { $problem }
connection-broke = it broke
owner-unknown = could not tell whose it is
refused-another-users = refused: it is another user's
host-key-missing = could not find the scanner's host key
ssh-port-open = the port is open to this user's programs; Ctrl-C ends
ssh-port-facts =
    host           { $host }
    port           { $port }
    user           { $user }
    key file       { $key_file }
    fingerprint    { $fingerprint }
    known_hosts    { $known_hosts }
      in the file  { $known_hosts_file }
    proxy command  { $proxy_command }

## The engineer's ssh configuration

include-line =
    # the first line of { $file }, before every Host and Match (--install puts it there):
    { $line }
include-line-refused = could not install the Include line: the sessions are in { $path }, where every user can put files for ssh to stumble over; name a directory of your own in FIELDLINK_RUNTIME_DIR, for good
include-line-unchanged = { $file } is as it should be; nothing was changed
include-line-added = put the Include line at the top of { $file }
include-line-moved = moved the Include line to the top of { $file }
include-line-removed = took the Include line out of { $file }
include-line-missing = the line is not in { $file } yet: fieldlink-connect ssh-config --install puts it there
include-line-behind = the line has no effect where it stands, in line { $number } of { $file }, behind a Host or Match: fieldlink-connect ssh-config --install moves it to the top
include-line-not-read = the line stands at the top of { $file }, but ssh does not read it: see ssh -v -G scanner
checked = checked: { $problem }
checked-without-session = checked: plain ssh is safe to use; no session is open now, and ssh scanner says so
checked-and-safe = checked: safe to use: { $commands }
configuration-changes = your ssh configuration changes { $options } for it: put the Include line first, with: fieldlink-connect ssh-config --install (what still differs then must not stand in a block that is meant for every host)
configuration-adds = your ssh configuration adds { $options } to every host: keep it from the scanner by writing Host * !scanner !scanner-* !ticket-* above it
configuration-too-large = could not use { $path }: it is larger than 1 MiB
could-not-change = could not change { $path }: edit it by hand
file-in-no-directory = it is in no directory
link-leads-nowhere = it is a symbolic link that leads nowhere
changed-just-now = something else has changed it just now
home-unknown = could not find out your home directory
ssh-config-unsafe = could not write an ssh_config: { $what } contains what it cannot carry safely: { $value }
unsafe-own-directory = the path of a directory of ours
unsafe-account = the account's name
unsafe-key-exchanges = the list of key exchanges
unsafe-runtime-directory = the path of the runtime directory
unsafe-path = a path

## The engineer's ssh

program-missing = could not run { $name }: it is not in PATH; install the OpenSSH client
program-is-none = could not run { $name }: the one in PATH is not a program ({ $error })
program-not-run = could not run { $name }: { $error }
program-unusable = could not use { $name }: { $said }
program-too-slow = could not use { $name }: it did not end within { $seconds } s
ended-with = it ended with { $status }
no-key-exchange = could not use ssh: it knows neither { $neither }: install OpenSSH's client, 8.5 or newer
neither-nor = { $names } nor { $name }
no-fingerprint = could not tell the fingerprint of { $path }
not-a-key = not an ed25519 key in OpenSSH's format
ssh-evaluation-too-slow = could not ask ssh -G: it took too long
ssh-evaluation-not-run = could not run ssh -G
ssh-evaluation-failed = could not ask ssh -G: { $said }
ssh-options-too-slow = could not ask ssh what it knows: it took too long
ssh-options-unknown = could not ask ssh what it knows
ssh-not-run = could not run ssh
ssh-not-reached = could not talk to ssh
ssh-not-waited-for = could not wait for ssh
rehearsal-failed = could not use ssh: it got no connection although the session is here: { $said } (OpenSSH 8.5 or newer is needed)

## Files and directories

could-not-create = could not create { $path }
could-not-write = could not write { $path }
could-not-open = could not open { $path }
could-not-read = could not read { $path }
could-not-use = could not use { $path }
could-not-lock = could not lock { $path }
could-not-list = could not list { $path }
could-not-remove = could not remove { $path }
sessions-directory-unusable = could not use the directory of the sessions; FIELDLINK_RUNTIME_DIR can name another
no-room = there must be room for a session's files in { $path }: make some, or name another directory in FIELDLINK_RUNTIME_DIR
path-too-long = the path { $path } is too long for a socket: name a shorter directory in FIELDLINK_RUNTIME_DIR
no-home = could not find your files: neither { $own } nor HOME is set to a full path
place-not-full = { $name } must be a full path, but is { $path }
place-unusable = could not use the directory { $path }, which comes from { $source }: { $error }; { $advice }
place-from-login = your login
place-without-variable = the lack of XDG_RUNTIME_DIR
place-from-users = the list of users
place-from-caller = the caller
correct-the-variable = if { $name } is another user's (su without -, sudo -E, a CI job), correct it, or name a directory of your own in { $own }
name-your-own = name a directory of your own in { $own }
base-missing = { $path } does not exist
not-a-directory = it is not a directory: remove it
directory-is-link = it is a symbolic link: name the directory itself
file-too-large = it is too large to be one of ours
file-meant = it
belongs-to-another = { $what } belongs to another user (uid { $owner }, and you are uid { $ours })
others-can-get-at-it = others can get at it (its mode is { $mode }): make it private with chmod { $wanted }

## Inviting a client

when-missing = say when: --when "YYYY-MM-DD HH:MM" --zone ZONE
when-unreadable = could not read the time { $when }: write it as YYYY-MM-DD HH:MM, such as 2027-03-01 14:00
when-left-out = there is no { $when } in { $zone }: the clocks go forward then; choose another time
when-twice = { $when } comes twice in { $zone }: the clocks go back then; choose another time
when-over = { $when } in { $zone } is over: check date and zone
sender-missing = calendars send their answers to whoever invites: name your address with --from, too
own-zone-unknown = this computer does not say which time zone it is in: taking UTC for yours; --my-zone names another
zone-unknown = there is no time zone { $zone }: name one as in Europe/Berlin (region and city, in English)
zone-unknown-but = there is no time zone { $zone }: did you mean { $meant }?
entry-written = the calendar entry is in { $path }; keep the file to change or cancel it (--update, --cancel)
entry-exists = { $path } exists already: --update changes the appointment in it, or name another file
entry-missing = there is no file { $path }: name the one that --ics wrote
entry-unreadable = could not use { $path }: { $problem }
no-calendar = it is no calendar file
no-invitation = it is no invitation that this program wrote

## Runbooks

runbook-can-go-on = a runbook was under way in this session: go on with it by fieldlink-connect runbook --resume
runbook-not-kept = no runbook is under way in this session: begin one with fieldlink-connect runbook FILE
runbook-unusable = could not use the runbook { $path }: { $error }
runbook-too-long = it has more than { $most } bytes
runbook-signature-unfit = the signature beside { $path } does not fit it: get both again from its maker, or take the .sig away and go through it as your own
runbook-has-no-step = the runbook has no step { $step }; it has: { $steps }
runbook-takes-no-file = the step { $step } is no operation, and takes no file
runbook-kept-unfit = could not go on with the runbook: { $error }
runbook-given-up = the runbook is given up; the client reads it, too
runbook-is-makers = { $title } (the maker's, signed by { $key }, { $fingerprint })
runbook-is-own = { $title } (the client reads that it is your own)
runbook-refused-malformed = the scanner does not understand the runbook, and goes through none of it: its software is of another version
runbook-refused-unreadable = the scanner could not read the runbook's signature: make it with ssh-keygen -Y sign -n fieldlink-runbook@v1
runbook-refused-namespace = the scanner refused the runbook, because its signature was made for something else: sign it with -n fieldlink-runbook@v1
runbook-refused-altered = the scanner refused the runbook, because it is not as its maker signed it: get it and its .sig again
runbook-step-begins = { $number } of { $count }  { $title }
runbook-step-ended = { $number } of { $count }  { $title }: { $outcome }
runbook-line = {"  "}  { $line }
runbook-outcome = { $mark } ({ $detail })
runbook-passed = passed
runbook-failed = failed
runbook-skipped = skipped
runbook-not-reached = not reached
runbook-exit-code = exit code { $code }
runbook-without-output = exit code { $code }, and it did not print what was expected
runbook-not-done = it could not be done
runbook-all-passed = { $title }: every step that was taken has passed
runbook-ended = { $title }: it is finished, and not every step has passed
runbook-stopped = { $title }: it stopped, because a step has not passed
runbook-entry = {"  "}{ $number }  { $title }: { $outcome }
runbook-waits = the runbook waits at step { $number } ({ $step }); go on with fieldlink-connect runbook --resume
runbook-waits-for-client = waiting for the client; Ctrl-C takes the question back, and the runbook waits
runbook-waits-for-restart = the scanner restarts; the runbook goes on when the session does
runbook-session-lost = the session's connection was lost in the middle of the step
runbook-session-not-back = the session did not go on after the restart
runbook-plan = { $title } ({ $name })
runbook-plan-signed = signed by the key { $key }; whether that is the maker's, the scanner decides
runbook-plan-unsigned = not signed: the client reads that it is your own
runbook-plan-step = {"  "}{ $number }  { $id }: { $title } ({ $what })
runbook-plan-what = { $verb }: { $what }
runbook-plan-answer = {"       "}the answer “{ $answer }” leads to { $to }
runbook-plan-exit = {"       "}exit code { $code } leads to { $to }
runbook-end = the end

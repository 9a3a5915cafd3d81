# What the report of a session says, in English.

## The page

title = Session report
page-title = Session report: { $device }, { $ticket }
made-from = This report was made from the record of the session. The record itself is the proof, not this page; the last part says how to check it.
times-in-utc = All times are by the device's own clock, in UTC.
yes = yes
no = no
none = none
part-result = Result
part-people = Who took part
part-facts = When and why
part-course = What was done, in order
part-runbooks = Checklists
part-questions = Questions and answers
part-commands = Commands and connections
part-files = Files
part-notes = Notes and conversation
part-terminals = What the terminals showed
part-gaps = What is missing or unusual
part-check = Check it yourself
part-licences = Licences
contents = Contents

## The result

result-resolved = The problem is solved
result-workaround = The problem can be worked around
result-second-session = Another session is needed
result-none = The engineer did not say what became of it
result-by-engineer = says the engineer
label-summary = What was found and done
label-prepare = To prepare for the next session
label-verdict = What the client says
verdict-solved = The problem is solved.
verdict-partly = The problem is partly solved.
verdict-not = The problem is not solved.
verdict-none = The client has not said anything about it.
quoted = “{ $text }”
with-words = { $sentence } “{ $text }”

## Facts

label-ticket = Support case
label-partner = Arranged by
label-device = Device
label-software = Software
label-session = Session
label-began = Began
label-ended = Ended
label-lasted = Lasted
label-why = Why it ended
label-by = Ended by
label-minutes = Agreed length
label-language = Language of the client
language-en = English
language-de = German
label-asks = The client was asked before
label-never = Never permitted on this device
label-reaches = Connections lead to
label-retention = The record is kept for
reaches-device = this device only
not-begun = it never began
not-ended = the record does not say
unended = the record ends before the session's end
hearsay = according to the support service: { $cause }
party-client = the client
party-engineer = the engineer
party-scanner = the device
party-relay = the support service
date-time = { $year }-{ $month }-{ $day } { $clock } UTC
date = { $year }-{ $month }-{ $day }
seconds = { $count ->
    [1] one second
   *[other] { $count } seconds
  }
minutes = { $count ->
    [1] one minute
   *[other] { $count } minutes
  }
hours-minutes = { $hours } h { $minutes } min
days = { $count ->
    [1] one day
   *[other] { $count } days
  }
bytes = { $count ->
    [1] 1 byte
   *[other] { $count } bytes
  }
kilobytes = { $figure } kB
megabytes = { $figure } MB
gigabytes = { $figure } GB

## People

column-name = Name
column-company = Company
column-role = Part
column-proof = How their name is proven
column-from = From
column-to = To
role-owner = led the session
role-former = led the session for a while
role-further = worked on the device, too
role-observer = watched
role-watcher = watched with a link
role-refused = asked to come in
proof-certificate = Certificate by { $authority }
proof-user-verified = with a security key that verified its user
proof-relay = Only the support service says so
proof-link = Nobody has proven it
proof-detail = { $key } · number { $serial } · key { $fingerprint }
somebody = engineer { $seat }
client = Client

## What was done: the record itself

line-record-began = The record began.
line-record-restarted = The record goes on after a restart of the device.
line-record-died = The record goes on: the program that writes it had ended without warning, or the power was cut.
line-record-verdict = The record was opened again for what the client said afterwards.
line-torn = { $sentence } The last line before that was not written to its end ({ $size }).
line-recording-bound = From here on, what terminals show was not recorded: as much was recorded as may be of one session.
line-recording-disk-full = From here on, what terminals show was not recorded: the disk was full.
line-recording-disk-slow = From here on, what terminals show was not recorded: the disk was too slow.
line-recording-disk-failed = From here on, what terminals show was not recorded: the disk did not take it.
line-anchored = The support service signed the record up to line { $seq } ({ $time }).
line-closed = The record was closed.
line-closed-late = The record was closed at the next start, because it could not be at the session's end.
line-unknown = Something happened that this version of the report does not know.

## What was done: the session

line-consent-asked = The client was asked whether { $person } ({ $company }) may come in. Proof of the name: { $proof }.
line-consent-given = The client let { $person } in.
line-session-began = The session began, for at most { $time }.
line-session-ended = The session ended: { $cause }.
line-interrupted = The engineer's side was out of reach: { $problem }.
line-resumed = The engineer's side was there again.
line-relay-lost = The support service was out of reach.
line-relay-back = The support service was there again.
line-engineer-returned = { $person }'s program was started again.
line-extended = The client gave more time: { $time } were left.
line-time-left = The client was told that { $time } were left.
line-transfers-pass = Transfers could go on.
line-transfers-held = Transfers waited for the client's word.
line-transfers-refused = The client stopped the transfers.
line-restarts = The device restarts; the session is to go on afterwards.
line-restarts-power = The power is cut by hand; the session is to go on afterwards.
line-carry-on-offered = The device was back, and the client was asked whether the session goes on.
line-carry-on-agreed = The client let the session go on.

## What was done: questions

line-asked = { $person } asked the client: { $question }
line-told = { $person } told the client: { $question }
line-answered = The client's answer to “{ $question }”: { $answer }.
line-leave-asked = The client was asked for leave: { $question }
line-leave-asked-guest = The client was asked for leave: { $question } Proof of the name: { $proof }.
line-leave-answered = The client's answer to “{ $question }”: { $answer }.
line-withdrawn = The question “{ $question }” was taken back.
unknown-question = a question that the record does not hold
question-extension = { $minutes ->
    [1] One minute more?
   *[other] { $minutes } minutes more?
  }
question-with-reason = { $question } ({ $reason })
question-step = Please do this: { $text }
question-text = { $text }
question-choices = { $question } [{ $choices }]
question-restart = May the device restart?
question-power = May the power be cut?
question-observer = May { $name } watch?
question-observer-and-report = May { $name } watch, and have a copy of the report?
question-join-code = A code for a further engineer
question-hand-over = The session is now { $name }'s
question-remove = { $name } is to leave
question-consent = May { $person } come in?
question-function = May this be used: { $function }?
question-operation = May this be started: { $title }?
question-guest = May { $person } ({ $company }) join and work on the device?
question-guest-observes = May { $person } ({ $company }) join and watch?
question-data = More than { $megabytes } MB were transferred over a metered connection. May more be?
answer-granted = yes, the session ends in { $time }
answer-text = “{ $text }”
answer-done = done
answer-refused = no
answer-none = no answer in time
answer-busy = was not asked, because another question was open
answer-taken = was told
answer-restarting = yes, back in about { $time }
answer-link = yes, a link was made
answer-join-code = a code was made, good for { $time }
answer-no-more-time = was not asked: the session lasts as long as one may already
answer-yes = yes
answer-no = no
answer-withdrawn = taken back
answer-open = the record holds no answer
answer-runbook-maker = accepted as signed by { $key }
answer-runbook-own = accepted as the engineer's own
answer-runbook-refused = not accepted
answer-runbook-unknown = not known
answer-not-now = not now: { $why }
not-now-never = the device's owner does not permit it
not-now-operation-runs = an operation runs
not-now-relay-too-old = the support service is too old for it
not-now-unable = the device cannot restart itself
not-now-not-stored = what is needed to go on could not be stored
not-now-interrupted = a connection is interrupted
not-now-under-way = it is under way already
not-now-not-owner = only the engineer who leads the session may do that
not-now-nobody = nobody has that name
not-now-too-many = there are too many people
not-now-name-taken = the name is taken
column-when = When
column-who = Who
column-question = Question
column-answer = Answer

## What was done: talk

line-chat = { $who }: “{ $text }”
line-noted = The engineer noted: “{ $text }”
line-noted-client = The engineer noted what the client said: “{ $text }”
line-quiet-began = The engineer worked alone for up to { $time }.
line-quiet-began-text = The engineer worked alone for up to { $time }: { $text }
line-quiet-over = The engineer may need the client again.
line-called = The client was called to the device.
line-presence-asked = The client was asked whether they are there.
line-presence-away = Nobody answered at the device; the engineer went on.
line-presence-held = Nobody answered at the device; the engineer's input had to wait.
line-presence-here = The client is at the device.
line-battery = The device's battery was low: { $percent } %.
line-outcome = The engineer says: { $result }.
line-verdict = The client says: { $verdict }

## What was done: people

line-join-code = { $person } asked for a code for a further engineer.
line-join-failed = { $person } ({ $company }) tried to join and was not let in: { $cause }.
line-guest-let-in = { $person } ({ $company }) was let in to work on the device, too, because they knew the join code: on this device nobody is asked. Proof of the name: { $proof }.
line-guest-let-in-observes = { $person } ({ $company }) was let in to watch, because they knew the join code: on this device nobody is asked. Proof of the name: { $proof }.
line-joined = { $person } joined, to work on the device, too.
line-joined-observes = { $person } joined, to watch.
line-left = { $person } left: { $cause }.
line-handed-over = { $from } handed the session over to { $to }.
line-handed-over-gone = The session went from { $from } to { $to }: { $cause }.
line-observer-invited = { $name } was invited to watch with a link.
line-observer-invited-here = { $name } can watch from now on, and has not come yet.
line-observer-here = { $name } watches.
line-observer-away = { $name } does not watch at the moment.
line-observer-over = { $name } watches no more: { $cause }.
unknown-observer = somebody with a link

## What was done: work

line-operation = { $title }: { $state }.
operation-starting = is being started
operation-running = runs
operation-percent = runs, { $percent } % are done
operation-after-restart = goes on after a restart of the device
operation-succeeded = has succeeded
operation-failed = has failed with code { $code }
operation-killed = was stopped by signal { $signal }
operation-lost = was interrupted, and nobody knows how far it came
operation-restart = { $state }; the device has to be restarted for it
line-operation-refused = The operation { $name } was not started: { $why }.
refusal-unknown = there is none of that name
refusal-never = the device's owner does not permit operations
refusal-refused = the client did not allow it
refusal-unanswered = the client did not answer
refusal-too-often = the client was asked too often
refusal-busy = another one runs
refusal-over = the session is over
refusal-no-file = it takes no file
refusal-too-large = the file is too large
refusal-incomplete = the file did not come in full
refusal-not-started = the device could not start it
refusal-none = none runs
refusal-malformed = the message was not understood
line-runbook-at = Checklist { $title }, step { $number } of { $count }: { $step }
line-runbook-step-over = Checklist { $title }, step { $number } of { $count }: { $step }: { $how }.
step-passed = as it should be ({ $result })
step-not-passed = not as it should be ({ $result })
step-exit = exit code { $code }
step-answer = answer: { $text }
step-done = done
step-refused = the client said no
step-no-answer = no answer
step-busy = something else was in the way
step-failed = it could not be done
line-let-in-by-pin = { $person } ({ $company }) was let in because they knew the PIN: on this device nobody is asked. Proof of the name: { $proof }.
line-transfers-lost = What a file transfer did is not told from here on: it was not understood.
line-events-lost = { $count } lines on commands, files or connections are missing here: the disk took nothing for a moment.
line-channels-unrecorded = Commands, files and connections are not told from here on: there were too many.
line-runbook-finished = Checklist { $title } was gone through to its end.
line-runbook-stopped = Checklist { $title } was given up before its end.
line-runbook-refused = A checklist was not accepted: { $why }.
runbook-malformed = its form is not understood
runbook-signature-unreadable = its signature cannot be read
runbook-namespace = its signature was made for something else
runbook-altered = it was altered after it was signed
runbook-of-maker = signed by { $maker }
runbook-own = the engineer's own
runbook-finished = gone through to its end
runbook-stopped = given up at step { $number } of { $count }
runbook-open = at step { $number } of { $count } when the record ended
line-shell = { $person } opened a command line.
line-exec = { $person } ran a command:
line-sftp = { $person } opened a file transfer.
line-operations = { $person } opened the list of operations.
line-forward = { $person } opened a connection through the device to:
line-refused-shell = { $person } was refused a command line: { $why }.
line-refused-exec = { $person } was refused a command ({ $why }):
line-refused-sftp = { $person } was refused a file transfer: { $why }.
line-refused-operations = { $person } was refused the operations: { $why }.
line-refused-forward = { $person } was refused a connection ({ $why }):
line-terminal-began = What this command line shows is recorded ({ $file }).
line-terminal-sealed = The recording { $file } was sealed at { $size }.
line-upload = A file was copied to the device ({ $size }, { $proof }):
line-download = A file was copied from the device ({ $size }, { $proof }):
line-transfer-incomplete = A file was copied in part ({ $size }, { $proof }):
line-change-done = Changed by file transfer ({ $change }):
line-change-refused = Not changed by file transfer ({ $change }: { $why }):
line-change-unanswered = Perhaps changed by file transfer, for no answer came ({ $change }):
change-rename = renaming
change-remove = removal
change-make-directory = new directory
change-remove-directory = removal of a directory
change-symbolic-link = new symbolic link
change-hard-link = further name for a file
change-copy = copy on the device
attribute-permissions = permissions { $value }
attribute-user = owner number { $value }
attribute-group = group number { $value }
attribute-size = size { $value }
change-done = done
change-unanswered = no answer came: nobody knows whether it was done
change-no-such-file = there is no such file or directory
change-not-permitted = the device does not permit it
change-failed = it failed
change-not-supported = the device cannot do it
change-refused = code { $code }
line-over = { $program } { $outcome }: { $input } in, { $output } out.
program-shell = The command line
program-exec = The command
program-sftp = The file transfer
program-operations = The list of operations
program-forward = The connection
program-unknown = A channel
outcome-exit = ended with exit code { $code }
outcome-signal = was stopped by signal { $signal }
outcome-closed = was closed
outcome-failed = could not be started
outcome-cut = was cut off
hash-sha256 = SHA-256 { $digest }
hash-known = hash recorded
hash-none = no hash: the data came out of order or in part
command-cut = (longer than the record keeps)
column-kind = Kind
column-what = What
column-end = How it ended
column-in = Bytes in
column-out = Bytes out
column-direction = Direction
column-path = Path on the device
column-size = Size
column-hash = SHA-256
column-complete = Complete
column-change = Change
column-result = Result
kind-shell = command line
kind-exec = command
kind-sftp = file transfer
kind-operations = operations
kind-forward = connection
kind-refused = refused: { $why }
direction-upload = to the device
direction-download = from the device
commands-note = Commands such as rsync, git and cat move data within their own bytes: what they copy has no line of its own under Files.
forwards-note = What passes through a connection is counted and not recorded.
no-commands = No command was run and no connection was opened.
no-files = No file was transferred by file transfer.
no-questions = The client was not asked anything.
no-notes = There are no notes, and nothing was said in writing.
no-runbooks = No checklist was gone through.
no-terminals = No terminal was recorded.
no-people = The record names nobody.

## Gaps

no-gaps = Nothing is missing that the record knows of.
gap-died = The record was interrupted without warning and goes on later: what happened in between is not in it.
gap-restarted = The device was restarted during the session, as the client had agreed.
gap-recording-stopped = What terminals showed was not recorded to the end.
gap-channels-unrecorded = From then on, commands, files and connections are not told: there were too many.
gap-events-lost = Lines on commands, files or connections that are missing until then, because the disk took nothing for a moment: { $count }.
gap-transfers-lost = From then on, what one of the file transfers did is not told: it was not understood.
gap-clock-forward = The device's clock was set forward by { $time }.
gap-clock-back = The device's clock was set back by { $time }.
gap-unreadable = Lines of the record that could not be read: { $count }.
gap-unknown = Lines of the record of a kind that this version of the report does not know: { $count }.
gap-chain = The chain of hashes breaks at line { $number }: somebody has changed the record, or it is damaged. Do not rely on this report.
gap-cut = The record is longer than a report reads: what comes after line { $number } is not in this report.
gap-unclosed = The record was not closed.
course-cut = Further lines that are in the record only: { $count }.
course-own = What the record says about itself ({ $count ->
    [1] one line
   *[other] { $count } lines
  })

## Terminals

terminal-title = Terminal { $number }: { $person }, { $time }
transcript = Transcript
transcript-note = As text, without colours and full-screen programs.
transcript-cut = The transcript is cut here. Further lines that are in the record only: { $count }.
transcript-full-screen = [a full-screen program was shown here]
transcript-empty = Nothing was shown.
terminal-missing = The recording { $file } is not with the record.
terminal-damaged = The recording { $file } cannot be read in full.
player-play = Play the recording
player-none = The recording is too large for this page: it is in the record only, as { $file }.
player-note = To play: open this page on a screen, with scripts allowed.

## Check it yourself

check-intro = This page can be forged like any other. The record cannot be changed without it being found: it is a directory whose files are chained, listed and signed with the device's own key. To check it, ask for the record of session { $session } and compare it with the values below.
label-fingerprint = Fingerprint of the device's key
label-head = Last line of the account
label-head-hash = Its hash (SHA-256)
label-receipt = Receipt in twelve words
label-anchor = Last signature of the support service
anchor-line = up to line { $seq }, on { $time }
unknown-fingerprint = the key cannot be read
head-line = line { $seq }
check-receipt = Did you photograph or write down twelve words at the end of the session? If they are the same as these, the record is the one that was there then.
earlier-receipts = The record was opened again afterwards. If you kept the words before that, they are these:
check-commands = Anybody who works with a command line can check the record with stock tools, in the directory of the record. These commands need nothing from us:
check-commands-sums = No listed file was changed:
check-commands-signature = The device has signed the list. Compare the fingerprint of device.pub with the one above first:
check-commands-stamp = If there is a time stamp: it is of this list. authority.pem is the certificate of the time stamp authority:
check-script = The following script also checks the chain of the account, line by line, and what the support service has signed of it. It is part of our source code and printed here, so that you need not fetch it from us:
licence-player = Recordings are played with asciinema-player, which is under the Apache License 2.0:

## Why something ended, as a part of a sentence

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
reason-agent-stopped = remote access was switched off on the device
reason-agent-restarted = remote access failed on the device and was started again
reason-connection-lost = the connection was lost
reason-engineer-lost = the connection to the engineer was lost
reason-silence = the other side fell silent
reason-tampered = a message was altered or out of order on its way
reason-incompatible = the programs of the two sides do not understand each other (update the older one)
reason-restarting = the device restarts
reason-not-back = the device did not come back from its restart in time
reason-session-process-lost = what runs the engineer's programs failed on the device
reason-scanner-failed = the device could not let the engineer in
reason-id-taken = the support service no longer accepts this support ID
reason-busy = another engineer is connected to this scanner
reason-wrong-pin = the PIN was not right
reason-burnt = the support ID and PIN were used up by wrong PINs
reason-burnt-by-refusals = an engineer was not let in twice, which uses up the support ID and PIN
reason-burnt-by-withdrawals = the client was asked too often without being able to answer, which uses up the support ID and PIN
reason-relay-ended = the support service ended it
reason-pairing-timeout = pairing took too long
reason-partner-missing = the other side did not answer in time
reason-pairing-aborted = pairing was broken off
reason-certificate-missing = no proof of the engineer's name arrived
reason-certificate-unsupported = the proof of the engineer's name is of a kind that is not accepted
reason-certificate-authority = the proof of the engineer's name is not from the office that the device trusts
reason-certificate-expired = the proof of the engineer's name has expired
reason-certificate-not-yet-valid = the proof of the engineer's name is not valid yet
reason-certificate-principal = the engineer is none of the people who may connect to the device
reason-certificate-revoked = the proof of the engineer's name was withdrawn
reason-certificate-not-hardware = the engineer has to use a security key, and did not
reason-revocation-unknown = the device cannot read whose proof of the name was withdrawn, and lets nobody in
reason-clock-not-set = the clock of the device is not set yet
reason-proof-namespace = the proof of the engineer's name was made for something else
reason-proof-signature = the proof of the engineer's name is not right
reason-proof-other-scanner = the proof of the engineer's name was made for another device
reason-proof-replayed = the request belongs to an earlier try
reason-proof-altered = the request was altered on its way
reason-removed = somebody in the session ended it for this person
reason-other-device = the link was used on another device before
reason-code-used-up = the join code is used up or too old
reason-proof-other-key = it is not the engineer with whom the session began
reason-unknown = it ended for a reason this version does not know

## What a session may use

function-shell = a command line
function-exec = single commands
function-upload = copying files to the device
function-download = copying files from the device
function-forward = ports of the device
function-operations = updates and other prepared operations
function-guests = other people who join or watch
function-diagnostics = fetching diagnostics (log excerpts)
function-restart = a restart of the device

## Ready questions and their answers, as the client reads them

ready-light-at-start = What does the light on the scanner show just after it is switched on?
ready-light-while-scanning = What does the light on the scanner show during a scan?
ready-sounds = What can you hear from the scanner?
ready-battery-swap = Please swap the battery: take the old one out, put the charged one in until it clicks.
ready-cable = Please unplug the network cable and plug it in again until it clicks, at both ends.
ready-restart-by-hand = Please switch the scanner off with its button, wait ten seconds, and switch it on again. Remote access is off then, and has to be started again.
choice-off = nothing, it is off
choice-green = green
choice-blue = blue
choice-yellow = yellow
choice-red = red
choice-blinking = it blinks
choice-nothing = nothing
choice-one-beep = one beep
choice-beeps = several beeps
choice-fan = a loud fan
choice-grinding = grinding or scraping

## The device's health

part-health = The device before and after
label-health-start = At the beginning
label-health-end = At the end
health-not-read = not read
health-no-warnings = nothing was worth a warning
health-same = Between the two, nothing has changed that matters.
health-not-compared = There is nothing to compare.
health-note = Small changes of room, temperatures and fans are left out. The record holds both in full.
column-part = What
column-before = Before
column-after = After
line-health-start = The device's health was read at the beginning.
line-health-end = The device's health was read at the end.
line-health-warned = Both sides were warned: { $warning }
line-health = { $person } read the device's health.
line-refused-health = { $person } was refused the device's health: { $why }.
program-health = Reading the device's health
kind-health = health
line-diagnosis = { $person } fetched diagnostics: log excerpts, and how the device is.
line-refused-diagnosis = { $person } was refused diagnostics: { $why }.
program-diagnosis = Fetching diagnostics
kind-diagnosis = diagnostics

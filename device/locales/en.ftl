# What the person beside the device reads, in English. A message's name and arguments are those of the code
# (device/src/words); a test compares both.

## Who

visitor = { $engineer } ({ $company }), ticket { $ticket }
visitor-with-partner = { $engineer } ({ $company }), ticket { $ticket }, partner { $partner }

## How long

seconds = { $count } seconds
minutes = { $count ->
    [1] one minute
   *[other] { $count } minutes
  }

## Why something ended, as a part of a sentence

reason-engineer-ended = the engineer ended it
reason-engineer-stopped = the engineer's program was stopped
reason-client-ended = you ended it
reason-client-refused = the client did not allow it
reason-no-answer = the client did not answer
reason-time-up = the agreed time is over
reason-relay-limit = the support service's time limit was reached
reason-revoked = the engineer's access was withdrawn
reason-relay-stopping = the support service is restarting
reason-relay-restarted = the support service was restarted
reason-agent-stopped = it was switched off on this device
reason-agent-restarted = it failed on this device and was started again
reason-connection-lost = the connection was lost
reason-engineer-lost = the connection to the engineer was lost
reason-silence = the other side fell silent
reason-tampered = a message was altered or out of order on its way
reason-incompatible = the programs of the two sides do not understand each other (update the older one)
reason-restarting = this device restarts
reason-not-back = this device did not come back from its restart in time
reason-session-process-lost = what runs the engineer's programs failed on this device
reason-scanner-failed = this device could not let the engineer in
reason-id-taken = the support service no longer accepts this support ID
reason-busy = another engineer is connected to this scanner
reason-wrong-pin = the PIN was not right
reason-burnt = the support ID and PIN were used up by wrong PINs
reason-burnt-by-refusals = an engineer was not let in twice, which uses up the support ID and PIN
reason-burnt-by-withdrawals = you were asked too often without being able to answer, which uses up the support ID and PIN
reason-relay-ended = the support service ended it
reason-pairing-timeout = pairing took too long
reason-partner-missing = the other side did not answer in time
reason-pairing-aborted = pairing was broken off
reason-certificate-missing = no proof of the engineer's name arrived
reason-certificate-unsupported = the proof of the engineer's name is of a kind that is not accepted here
reason-certificate-authority = the proof of the engineer's name is not from the office that this device trusts
reason-certificate-expired = the proof of the engineer's name has expired
reason-certificate-not-yet-valid = the proof of the engineer's name is not valid yet
reason-certificate-principal = the engineer is none of the people who may connect to this device
reason-certificate-revoked = the proof of the engineer's name was withdrawn
reason-certificate-not-hardware = the engineer has to use a security key, and did not
reason-revocation-unknown = this device cannot read whose proof of the name was withdrawn, and lets nobody in
reason-clock-not-set = the clock of this device is not set yet
reason-proof-namespace = the proof of the engineer's name was made for something else
reason-proof-signature = the proof of the engineer's name is not right
reason-proof-other-scanner = the proof of the engineer's name was made for another device
reason-proof-replayed = the request belongs to an earlier try
reason-proof-altered = the request was altered on its way here
reason-removed = somebody in the session ended it for this person
reason-other-device = the link was used on another device before
reason-code-used-up = the join code is used up or too old
reason-proof-other-key = it is not the engineer with whom the session began
reason-unknown = it ended for a reason this version does not know
# The same by the support service's word alone: it names others as the cause.
hearsay = the support service says: { $cause }
hearsay-client-ended = the client ended it
hearsay-agent-stopped = remote access was switched off on the scanner
hearsay-agent-restarted = remote access failed on the scanner and was started again
hearsay-session-process-lost = the scanner's session process failed
hearsay-scanner-failed = the scanner could not start the session
hearsay-burnt-by-refusals = the client did not allow it for the second time, which used up the support ID and PIN
hearsay-burnt-by-withdrawals = the client was asked too often without being able to answer, which used up the support ID and PIN

## Why remote access is off

notice-ended = Remote access has ended: { $cause }.
notice-burnt = Three wrong PINs were tried, the last one by { $visitor }. The support ID and PIN are no longer valid.
notice-idle = Nobody connected for a while.
notice-clock-awaited = The session before the restart can go on once this device's clock is set. Is the network connected?
# A sentence with the code that can be read out over the phone.
with-code = { $sentence } (code { $code }).
with-network-code = { $sentence } ({ $code })
unknown-message = The remote access service says something that this program does not know. Restart the device.

## What is told beside that

warning-time-left = { $minutes ->
    [1] The session ends in one minute.
   *[other] The session ends in { $minutes } minutes.
  }
warning-more-time = You gave the engineer more time: the session ends in { $time }.
warning-no-more-time = The session cannot last any longer.
warning-wrong-pin = A wrong PIN was tried by { $visitor }.
warning-not-believed = An engineer was turned away, by the support service's word { $visitor }: { $cause }.
warning-broken-off = { $visitor } broke off while the PIN was checked, which counts as a wrong one.
warning-refused = You did not let { $engineer } in. If this happens once more, remote access goes off.
warning-use-allowed = You allowed for this session: { $function }.
warning-data-allowed = You allowed that more data is moved in this session.
warning-battery-low = This device's battery has { $percent } % left. Please connect it to power, or swap the battery when the engineer says so.
warning-health = Something about this device should be looked at: fieldlink health says what.
warning-recording-stopped = What the engineer's terminals show is not recorded from here on, because the room for it is used up or this device's disk does not take it. Everything else is recorded as far as the disk takes it, and the session goes on.
warning-done = You said that it is done.
warning-answered-no = You said no.
warning-answered = You answered: { $text }
warning-not-let-in = There was no answer in time, so { $engineer } was not let in. If this happens once more, remote access goes off.
warning-no-answer = There was no answer in time. The engineer was told.
warning-withdrawn = The question was taken back.
warning-no-longer-asks = { $engineer } does not ask to come in any more: { $cause }.
warning-delayed = The engineer is out of reach, and reads this once the connection is back.
warning-quiet = The engineer works without you for { $time }. Please stay reachable.
warning-quiet-with-text = The engineer works without you for { $time } ({ $text }). Please stay reachable.
warning-quiet-over = The engineer may need you again.
warning-called = The engineer needs you here. Please come to the phone, or type a message.
warning-noted = The engineer noted: { $text }
warning-noted-of-client = The engineer noted what you said: { $text }
warning-still-there = Are you still there? Press Enter within { $time } (or run: fieldlink here).
warning-nobody-there = Nobody said that they are there. The engineer was told.
warning-nobody-there-held = Nobody said that they are there: the engineer has to wait until you press Enter (or run: fieldlink here).
warning-back-again = Thank you. The engineer was told that you are there.
warning-back-again-held = Thank you. The engineer goes on.
presence-asked = The device asks whether you are still there: fieldlink here
presence-away = Nobody said that they are there: fieldlink here
presence-held = Nobody said that they are there, and the engineer has to wait: fieldlink here
outcome-resolved = The engineer says: the problem is solved.
outcome-workaround = The engineer says: the problem is there still, and you can work around it.
outcome-second-session = The engineer says: another session is needed.
outcome-summary = In their words: { $text }
outcome-prepare = Please prepare: { $text }
warning-verdict = You said: { $verdict }.
warning-verdict-with-words = You said: { $verdict } ({ $words }).
verdict-solved = the problem is solved
verdict-partly = the problem is partly solved
verdict-not = the problem is not solved
verdict-asked = Is the problem solved? Say so with: fieldlink verdict solved, partly or not
panel-verdict = Is the problem solved? Type solved, partly or not, and a sentence if you like, and press Enter.
hint-verdict = Type solved, partly or not. Enter alone starts remote access again.
words-for-solved = solved yes
words-for-partly = partly
words-for-not = not no
chat-from-engineer = Engineer: { $text }
chat-from-client = You: { $text }

## Questions

# Behind what a yes would mean.
question-consent = { $identity } Allow { $visitor }?
consent-allowed = They may use: { $functions }.
consent-asks = You will be asked again before: { $functions }.
consent-never = Never allowed on this device: { $functions }.
consent-reaches-only = The connection leads to this scanner only.
consent-reaches = The connection leads to this scanner, and through it to: { $others }.
consent-length = It lasts { $time } at most unless you give more, and you can end it at any time.
consent-recorded = This session is recorded on this device: what is done, and what the engineer's terminals show. The record stays here for { $days ->
    [1] one day
   *[other] { $days } days
  }. You can read and delete it. At the end the engineer gets a report made from it.
consent-not-recorded = This session is not recorded.
identity-proven = The name is certified by { $authority }.
identity-told = The name is what the support service says.
question-use = The engineer wants to use: { $function }. Allow it for this session?
question-data = The engineer has moved more than { $megabytes } MB, and this internet connection may cost money by the amount of data. Allow more?
question-extension = The engineer asks for { $minutes } more minutes. Agree?
question-extension-with-reason = The engineer asks for { $minutes } more minutes: { $reason }. Agree?
question-step = The engineer asks you to do this: { $text }
question-text = The engineer asks: { $text }
question-time = ({ $time } to answer)
question-time-left = { $time } left to answer.
type-yes-or-no = Type yes or no, and press Enter:{" "}
type-done-or-no = Type done when it is done, or no, and press Enter:{" "}
no-answer-done-or-no = That was no answer: only the words done and no count.
words-for-done = done ok
type-an-answer = Type an answer and press Enter:{" "}
type-a-number = Type a number and press Enter:{" "}
type-a-number-to = Type a number from 1 to { $most }, and press Enter:{" "}
no-answer-yes-or-no = That was no answer: only the words yes and no count.
no-answer-empty = That was no answer: it is empty.
no-answer-choice = That is none of the answers.
# Words that count, between spaces. English ones count everywhere.
words-for-yes = y yes ok
words-for-no = n no
words-for-the-end = end off stop
words-for-removal = remove

## What an engineer may do

function-shell = a command line
function-exec = single commands
function-upload = copying files to this device
function-download = copying files from this device
function-forward = ports of this device
function-operations = updates and other prepared operations
function-guests = other people who join or watch
function-diagnostics = fetching diagnostics (excerpts of this device's logs)
function-restart = a restart of this device

## Operations

operation-starting = { $title } is about to start.
operation-running = { $title } is running. Do not switch off.
operation-running-percent = { $title } is running, { $percent } % are done. Do not switch off.
# There is no session any more.
operation-finishing = { $title } is finishing. Do not switch off.
operation-finishing-percent = { $title } is finishing, { $percent } % are done. Do not switch off.
operation-after-restart = { $title } goes on by itself when the device has restarted. Do not switch off.
operation-succeeded = { $title } has finished.
operation-succeeded-restart = { $title } has finished. The device needs a restart.
operation-failed = { $title } has failed. Tell your support contact.
operation-lost = { $title } was interrupted, and it is not known how far it came. Tell your support contact.
label-operation = Operation
question-restart = The engineer wants to restart this device. The session goes on afterwards, if you agree again. Restart now?
question-restart-with-reason = The engineer wants to restart this device: { $reason }. The session goes on afterwards, if you agree again. Restart now?
question-power-off = The engineer wants you to switch the power off, for example to swap the battery. The session goes on afterwards, if you agree again. May the power be switched off?
question-power-off-with-reason = The engineer wants you to switch the power off: { $reason }. The session goes on afterwards, if you agree again. May the power be switched off?
question-continue = This device has restarted. Continue the session with { $visitor }? { $minutes ->
    [1] One minute is left.
   *[other] { $minutes } minutes are left.
  }
question-join = { $identity } { $engineer } ({ $company }) wants to work on this device in this session, too. Allow it?
question-join-to-watch = { $identity } { $engineer } ({ $company }) wants to watch this session. They cannot do anything on this device. Allow it?
question-observe = The engineer wants { $name } to watch this session over the internet. They cannot do anything on this device. Allow it?
question-observe-and-report = The engineer wants { $name } to watch this session over the internet, and to get a copy of its report at the end. They cannot do anything on this device. Allow both?
question-operation = The engineer wants to start: { $title }. Once it runs it must not be interrupted: do not switch off then. Allow it?
warning-restarting = You agreed. This device is expected back in { $time }, and asks you then whether the session goes on.
warning-guest-allowed = You allowed it.
warning-invited = The engineer wants another engineer to join. They need a code that only this engineer has.
warning-wrong-code = { $visitor } wants to join this session and did not know the code.
warning-guest-here = { $engineer } ({ $company }) works on this device now, too.
warning-guest-watches = { $engineer } ({ $company }) watches this session now.
warning-guest-gone = { $engineer } has left this session.
warning-handed-over = From now on { $engineer } ({ $company }) leads this session.
warning-watcher-here = { $name } watches this session now.
warning-watcher-gone = { $name } does not watch this session any more.
warning-no-restart = This device does not restart now. The engineer was told.
warning-operation-allowed = You agreed. It starts in a moment.

## Lists of steps that the engineer goes through (runbooks)

label-runbook = Steps
runbook-of-maker = from the manufacturer
runbook-of-engineer = the engineer's own
runbook-step = { $title } ({ $origin }), step { $number } of { $count }: { $step }
warning-runbook-began = The engineer goes through a list of steps: { $title } ({ $origin }).
warning-runbook-finished = The list of steps is finished: { $title }.
warning-runbook-stopped = The list of steps ended before its last step: { $title }.
warning-runbook-refused = The engineer wanted to go through a list of steps whose signature is not right. This device did not accept it.

## Ready questions and steps, and the answers to choose from

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

## The network

network-unchecked = Not checked yet.
network-way-cable = Connected by cable
network-way-wifi = Connected by Wi-Fi
network-way-wifi-named = Connected by Wi-Fi “{ $name }”
network-way-hotspot = Connected by a phone's hotspot
network-way-hotspot-named = Connected by a phone's hotspot “{ $name }”
network-way-mobile = Connected by mobile network
network-way-bluetooth = Connected by a phone over Bluetooth
network-way-other = Connected
network-metered = { $way } (metered)
network-good = { $way }: good for a session.
network-not-asked = { $way }; the support service has not been asked yet.
network-N1 = No network. Plug in a network cable (best) or choose a Wi-Fi in Settings.
network-N2 = The network gives this device no address. Wait half a minute; if nothing changes, unplug the cable and plug it in again, or choose another Wi-Fi in Settings.
network-N3 = This network wants you to sign in first. Open the browser on this device and sign in.
network-N4 = Connected to the network, but not to the internet. Ask whoever looks after the network, or try a phone's hotspot.
network-N5 = The proxy of this network refuses the connection or does not answer. Ask whoever looks after the network, or try a phone's hotspot.
network-N6 = The support service cannot be reached. Tell your support contact, or try a phone's hotspot.
network-N7 = This device's clock is wrong (it says { $clock }), so the secure connection fails. Set the date and time in Settings, or try a phone's hotspot.
network-N8 = This network does not let the secure connection through unchanged. Use another network, or try a phone's hotspot.
network-N9 = The Wi-Fi signal is too weak ({ $percent } %). Move closer to the Wi-Fi, plug in a network cable, or try a phone's hotspot.
network-N10 = Connected, but slow or unstable ({ $figures }). Use a network cable, or try a phone's hotspot.
network-N10-hotspot = Connected, but slow or unstable ({ $figures }). Use a network cable, or try another phone's hotspot.
network-N11 = The support service cannot prove who it is: something is not set up well there, not at your end. Another network will not help. Tell your support contact.
network-N12 = It cannot be checked whether the connection is safe. Try a phone's hotspot: if it works there, the network here interferes. If it does not, tell your support contact.
network-N13 = The support service is not running at the moment. Try again in a few minutes. If nothing changes, tell your support contact.
network-N14 = Something else answers in place of the support service. Tell your support contact, or try a phone's hotspot.
figures-none = not measured
figures-no-answer = no answer in time
figures-cut = { $milliseconds } ms, then it was cut off
figures = { $milliseconds } ms, { $rate } Mbit/s
figures-below = { $milliseconds } ms, less than { $rate } Mbit/s

## The panel

panel-off = Remote access is off. Press Enter to start it again.
panel-on = Remote access is on
panel-letting-in = Letting { $engineer } in …
panel-interrupted = The connection to { $engineer } is interrupted. { $what }
panel-connected = { $visitor } is connected, for { $time } at most.
panel-how-to-end-session = Type "end" and press Enter to end the session; anything else is sent to the engineer.
panel-how-to-switch-off = Type "end" and press Enter to switch it off.
panel-started-again = The engineer's program was started again. The session goes on.
panel-restarting = This device restarts now. The session goes on afterwards, if you agree again.
panel-power-off = You can switch the power off now. Once this device is back it asks you whether the session goes on. Type "end" and press Enter if it is not to.
panel-returning = Waiting for { $engineer } to come back. There is nothing to do.
panel-back = The connection is back.
label-support-id = Support ID
label-pin = PIN
label-network = Network
label-state = State
label-wrong-pins = Wrong PINs
state-ready = ready, waiting for the engineer
state-connecting = connecting to the support service
state-problem = not connected, trying again ({ $problem })
wrong-tries = { $tries } of 3; after the third, remote access goes off
away-us = This device is trying to reach the support service again. If it takes long, check the cable or the Wi-Fi.
away-them = Waiting for the engineer's side to come back. There is nothing to do.
hint-off = Press Enter alone to start remote access again.
hint-session = Type a message for the engineer, or "end" to end the session, and press Enter.
hint-waiting = Nothing needs to be typed now. The engineer needs the support ID and the PIN.
hint-end = Type "end" and press Enter to switch remote access off.

## The program fieldlink

window-shows = This window shows remote access. Closing it does not switch remote access off.
window-left = Remote access goes on. "fieldlink stop" switches it off, "fieldlink start" shows it again.
window-press-enter = Press Enter to close this window.
did-not-work = That did not work: { $why }.
service-stopped-waiting = The remote access service has stopped. Waiting for it to come back.
service-stopped = The remote access service has stopped.
service-back = The remote access service is back.
credentials-not-shown = Support ID and PIN cannot be shown: { $why }.
done-stop = Remote access is off.
done-end = The session has ended. Remote access is off.
done-agreed = You agreed.
done-agreed-to = You agreed: { $question }
done-refused = You refused.
done-refused-to = You refused: { $question }
done-extended = The engineer has more time.
done-extended-until = The engineer has more time: the session ends in { $time }.
done-sent = Sent to the engineer.
done-sent-later = Sent to the engineer, who reads it once the connection is back.
done-answered = Answered.
done-removed = { $name } is out of this session. What they started may run on until the session ends.
person-working = { $who } works on this device, too
person-working-away = { $who } works on this device, too (out of reach at the moment)
person-observing = { $who } watches
person-observing-away = { $who } watches (out of reach at the moment)
person-watching = { $who } watches
person-watching-away = { $who } may watch (not connected at the moment)
person-watching-invited = { $who } may watch (not here yet)
person-of-company = { $name } ({ $company })
panel-people = { $person }. To end that: fieldlink remove "{ $name }"
done-here = The engineer was told that you are there.
label-remote-access = Remote access
label-engineer = Engineer
label-ticket = Ticket
label-people = Also here
label-partner = Partner
label-time-left = Time left
label-data-used = Data used
data-used = { $amount } MB
data-used-metered = { $amount } MB; this internet connection may cost money by the amount of data
battery-low = Battery: { $percent } %
label-question = Question
phase-off = off
phase-connecting = on, connecting to the support service
phase-problem = on, not connected, trying again ({ $problem })
phase-ready = on, waiting for the engineer
phase-asking = on, an engineer asks to come in
phase-admitting = on, letting the engineer in
phase-active = on, an engineer is connected
phase-restarting = restarting; the session goes on afterwards
phase-power-off = the power can be switched off; the session goes on afterwards
phase-returning = on, waiting for the engineer to come back after the restart
phase-interrupted = on, interrupted. { $what }
answer-with-allow = answer: fieldlink allow, or fieldlink refuse
answer-with-done = answer: fieldlink done, or fieldlink refuse
answer-with-text = answer: fieldlink answer TEXT
answer-with-number = answer: fieldlink answer NUMBER
label-session = Session
label-began = Began (UTC)
label-size = Size
records-none = There is no record of a session on this device.
record-over = complete
record-open = not over yet
done-report = The report is in { $path }.
done-exported = The record is in { $path }. To check it on any computer: fieldlink verify { $path }
record-of = the session of { $began } with { $engineer }, ticket { $ticket }
ask-delete-record = This deletes the record of { $record }, and nobody can bring it back. That there was one stays noted. Delete it? Type yes or no, and press Enter:{" "}
ask-forget-all = { $count ->
    [0] There is no record of a session on this device. This deletes what else an earlier customer may have left.
    [1] This deletes the record of one session, and what else an earlier customer may have left, and nobody can bring it back.
   *[other] This deletes the records of { $count } sessions, and what else an earlier customer may have left, and nobody can bring it back.
  } That there were records stays noted. Delete? Type yes or no, and press Enter:{" "}
done-record-deleted = The record is deleted.
done-forgotten = What sessions have left on this device is deleted.
done-kept = Nothing was deleted.
diagnosis-collecting = Diagnostics are being collected …
diagnosis-saving = Diagnostics are being saved …
done-diagnosis = Diagnostics are in { $path }. Send this file to your support contact. Passwords and keys that could be recognised are not in it; contents.txt in it lists what is.
done-diagnosis-usb = Diagnostics are on the USB stick: { $path }. You can pull the stick out now. Passwords and keys that could be recognised are not in the file.
receipt-photograph = Photograph this. It shows later that nothing in the record of this session was changed since.
receipt-session = Session { $session }, as far as { $head }
receipt-anchored = The support service has signed this record to its end.
receipt-anchored-before = The support service has signed this record, but not its last lines.
receipt-not-anchored = The support service has signed nothing of this record.

## What a check of a record finds (fieldlink verify)

verify-whole = Nothing is wrong: nothing in this record was changed, taken away or added since it was closed.
verify-session = It is the record of the session { $session } on the device { $device }.
verify-key-known = It is signed with the device's key that you named: { $key }
verify-key-told = It is signed with the key { $key }, which the record names itself. To be sure that it is the device's, name the device's key (--device-key).
verify-closed-late = The device lost power or failed during the session. It closed the record when it started again; the last seconds may be missing.
verify-engineer = { $engineer } proved who they are. The office that vouches for the name has the key { $authority }.
verify-no-engineer = No engineer proved who they are: names are what the support service said.
verify-anchors-none = The support service has signed nothing of this record: only the device vouches for it.
verify-anchors-unchecked = There are signatures of the support service, and nobody knows here whether they are right: name its key (--anchor-key). Until then only the device vouches for the record.
verify-anchors-whole = The support service has signed this record to its end, on { $time }.
verify-anchors-part = The support service has signed this record up to event { $event } of { $events }, on { $time }. For what came after that only the device vouches.
verify-anchor-keys-told = The support service's key is the one that the record names itself. To be sure that it is the right one, name it (--anchor-key).
verify-receipt-whole = The receipt is right: everything is as it was when it was made.
verify-receipt-part = The receipt is right: the first { $covered } of { $events } events are as they were when it was made. The others were written later.
verify-time-stamp = There is a time stamp, too, which this program does not check.
problem-not-closed = The record is not complete: the session is not over, or the device failed and was not started since.
problem-unreadable = { $file } cannot be read.
problem-missing = { $file } is missing.
problem-changed = { $file } was changed.
problem-extra = { $file } was added later.
problem-list = The list of the record's files was changed.
problem-signature = The signature is not that of the device's key.
problem-other-device = Another device signed the record.
problem-account = What the record tells was changed, or its end was cut off.
problem-engineer = The proof of an engineer's name is not right.
problem-anchor = What the support service is said to have signed is not right, or of another session.
problem-rewritten = The record was changed after the support service had signed it on { $time }.
problem-cut = The end of the record was cut off after the support service had signed it on { $time }.
problem-receipt = The receipt is of something else: the record was changed, or the words are those of another session.

## Why a command failed

failed-verify = this record is not as it was written. { $what } In detail: { $detail }
failed-receipt-words = the words of the receipt cannot be used: { $detail }
failed-key-file = there is no public key in { $path }: { $detail }
failed-read = could not read { $path }: { $detail }
failed-write = could not write { $path }: { $detail }
failed-export-target = { $path } exists already, and is not empty: choose another directory
failed-several-records = several sessions begin with { $session }: type more of the ID
failed-nobody-to-ask = there is nobody to ask here: add --yes if you are sure

failed-not-connected = not connected to the support service yet ({ $problem }); remote access stays on, tries again, and has an ID and a PIN then (fieldlink credentials)
failed-no-answer-yet = no answer yet
failed-nothing-asked = nothing is being asked now
failed-nobody = nobody by that name has joined or watches: the names are in the status (code nobody)
failed-no-verdict = no verdict is asked for now
failed-stale-question = that question is not open any more
failed-unfit-answer = that is no answer to this question
failed-no-engineer = no engineer is connected
failed-yes-or-no = this question takes a yes or no: fieldlink allow, or fieldlink refuse
failed-no-choice = there is no such choice; choose from: { $choices }
failed-already-on = remote access is on already
failed-already-off = remote access is off already
failed-longest = the session cannot be made longer: two hours are the most
failed-not-taken = the engineer is out of reach, and too much waits already: try again once the connection is back
failed-no-chat = the engineer's program is too old for messages
failed-stopping = remote access is being shut down
failed-off = remote access is off: start it first (fieldlink start)
failed-no-credentials-yet = support ID and PIN are shown as soon as the support service is reached
failed-credentials-used = support ID and PIN are used up: an engineer has connected with them
failed-no-record = there is no record of that session: fieldlink records lists those that there are
failed-not-recorded = sessions are not recorded on this device
failed-record-open = that session is not over: its record can be deleted afterwards
failed-not-off = remote access is on: switch it off first (fieldlink stop)
failed-records = the record could not be read or deleted: this device's disk may be damaged. Tell your support contact
failed-health-busy = the health of this device is being looked at already: try again in a moment
failed-no-diagnosis = diagnostics cannot be collected on this device (code no-diagnosis)
failed-diagnosis-busy = diagnostics are being collected already: try again in a minute. If it stays so, tell your support contact (code diagnosis-busy)
failed-diagnosis = diagnostics could not be saved: { $detail }. Try again
failed-no-stick = there is no USB stick: put one in, wait a moment, and try again (code no-stick)
failed-several-sticks = there are several USB sticks: leave one in, and try again ({ $sticks })
failed-full = there is not enough room in { $path }: { $size } are needed. Make room, or take another USB stick
failed-read-only = nothing can be written in { $path }: it is write-protected. Take another USB stick
failed-no-room = there is no room in { $path }: make room, or take another USB stick
failed-not-writable = nothing may be written in { $path }: take another USB stick, or name a directory of yours
failed-pulled-out = { $path } is not there any more: was the USB stick pulled out? Put it in again, and try again
failed-diagnosis-stopped = collecting diagnostics has stopped half-way: try again. If it happens again, tell your support contact (code diagnosis-stopped)
failed-stick-not-open = a USB stick is in, but it is not open: choose it in the file manager, and try again (code stick-not-open)
failed-report-busy = another report is being made: try again in a moment
failed-network-busy = the network is being checked already: try again in a moment
failed-too-many-watch = too many programs watch already: close one of them
failed-network-slow = checking the network took too long
failed-engineer = the support engineer cannot do this: it is for the person beside the device
failed-not-active = only the person who is logged in at the device can do this
failed-too-many = too many programs on this device ask at the same time: try again in a moment
failed-unanswerable = a call that wants no answer is not carried out
failed-unknown-sender = could not find out who is asking
failed-too-long = that is too long
failed-no-service = the remote access service does not run; restart this device, and if that does not help, tell your support engineer (code no-service)
failed-silent-service = the remote access service does not answer
failed-no-bus = the system bus is gone
failed-silent-bus = the system bus does not answer
failed-bus-forbids = the system bus does not permit this: { $detail }
failed-bus = the system bus could not pass this on: { $detail }
failed-unreachable = could not reach the service: { $detail }
failed-other-version = the service is of another version: restart the device
failed-strange-version = the service does not say its version
failed-strange-credentials = the service gave no usable support ID and PIN
failed-otherwise = { $detail }
failed-print = could not print: { $detail }
failed-argument = that cannot be used: check the command
failed-question-id = could not use the question { $question }: { $why }
failed-message = { $why }
failed-connect = could not connect to the system bus: { $detail }
failed-service-stopped = the remote access service has stopped

## What the desktop shows

inhibits = A support engineer is connected

## What the engineer's terminals show (fieldlink watch)

view-title = { $count ->
    [one] The engineer's terminal. q: stop watching
   *[other] One of the engineer's { $count } terminals. n: next, q: stop watching
  }
view-title-cut = { $count ->
    [one] The engineer's terminal, a part of it. q: stop watching
   *[other] One of the engineer's { $count } terminals, a part of it. n: next, q: stop watching
  }
view-nothing-open = The engineer has no terminal open. q: stop watching
view-shell = a terminal
view-command = the command { $what }
view-files = a transfer of files
view-forward = a connection to { $what }
view-health = the health of this device
view-diagnosis = diagnostics of this device
view-operation = an operation of this device
view-something = something
view-of = { $who }: { $channel }
view-opened = The engineer opened { $what }.
view-closed = Over: { $what } ({ $how })
view-exit = exit code { $code }
view-signal = by the signal { $signal }
view-ended = closed
view-failed = it could not be started
view-was-cut = cut
view-unfollowed = it may go on, and is not shown any more
view-skipped = { $kilobytes } kB are not shown here: they came before, or too fast.
view-session-over = The session is over.
view-left = You do not watch any more; the session goes on.
view-cut = the view was cut off: fieldlink status shows how things stand

## Notifications of the desktop

desktop-title = Remote Support

# Was der Bericht einer Sitzung sagt, auf Deutsch.

## Die Seite

title = Sitzungsbericht
page-title = Sitzungsbericht: { $device }, { $ticket }
made-from = Dieser Bericht wurde aus der Aufzeichnung der Sitzung erstellt. Der Beweis ist die Aufzeichnung selbst, nicht diese Seite; wie Sie sie prüfen, steht im letzten Teil.
times-in-utc = Alle Zeiten stammen von der Uhr des Geräts und sind in UTC angegeben.
yes = ja
no = nein
none = nichts
part-result = Ergebnis
part-people = Wer dabei war
part-facts = Wann und warum
part-course = Was getan wurde, der Reihe nach
part-runbooks = Schrittlisten
part-questions = Fragen und Antworten
part-commands = Befehle und Verbindungen
part-files = Dateien
part-notes = Notizen und Gespräch
part-terminals = Was die Befehlszeilen zeigten
part-gaps = Was fehlt oder ungewöhnlich ist
part-check = Prüfen Sie selbst
part-licences = Lizenzen
contents = Inhalt

## Das Ergebnis

result-resolved = Das Problem ist gelöst
result-workaround = Das Problem lässt sich umgehen
result-second-session = Es braucht eine weitere Sitzung
result-none = Der Techniker hat nicht gesagt, was daraus wurde
result-by-engineer = sagt der Techniker
label-summary = Was gefunden und getan wurde
label-prepare = Für die nächste Sitzung vorzubereiten
label-verdict = Was der Kunde sagt
verdict-solved = Das Problem ist gelöst.
verdict-partly = Das Problem ist teilweise gelöst.
verdict-not = Das Problem ist nicht gelöst.
verdict-none = Der Kunde hat dazu nichts gesagt.
quoted = „{ $text }“
with-words = { $sentence } „{ $text }“

## Eckdaten

label-ticket = Supportfall
label-partner = Vermittelt von
label-device = Gerät
label-software = Software
label-session = Sitzung
label-began = Beginn
label-ended = Ende
label-lasted = Dauer
label-why = Grund des Endes
label-by = Beendet durch
label-minutes = Vereinbarte Dauer
label-language = Sprache des Kunden
language-en = Englisch
language-de = Deutsch
label-asks = Der Kunde wurde gefragt vor
label-never = Auf diesem Gerät nie erlaubt
label-reaches = Verbindungen führen zu
label-retention = Die Aufzeichnung wird aufbewahrt für
reaches-device = nur zu diesem Gerät
not-begun = sie begann nie
not-ended = steht nicht in der Aufzeichnung
unended = die Aufzeichnung endet vor dem Ende der Sitzung
hearsay = laut Supportdienst: { $cause }
party-client = den Kunden
party-engineer = den Techniker
party-scanner = das Gerät
party-relay = den Supportdienst
date-time = { $day }.{ $month }.{ $year } { $clock } UTC
date = { $day }.{ $month }.{ $year }
seconds = { $count ->
    [1] eine Sekunde
   *[other] { $count } Sekunden
  }
minutes = { $count ->
    [1] eine Minute
   *[other] { $count } Minuten
  }
hours-minutes = { $hours } Std. { $minutes } Min.
days = { $count ->
    [1] einen Tag
   *[other] { $count } Tage
  }
bytes = { $count ->
    [1] 1 Byte
   *[other] { $count } Byte
  }
kilobytes = { $figure } kB
megabytes = { $figure } MB
gigabytes = { $figure } GB

## Personen

column-name = Name
column-company = Firma
column-role = Rolle
column-proof = Wodurch der Name belegt ist
column-from = Von
column-to = Bis
role-owner = leitete die Sitzung
role-former = leitete die Sitzung zeitweise
role-further = arbeitete ebenfalls am Gerät
role-observer = schaute zu
role-watcher = schaute mit einem Link zu
role-refused = bat um Einlass
proof-certificate = Zertifikat von { $authority }
proof-user-verified = mit einem Sicherheitsschlüssel, der seinen Benutzer geprüft hat
proof-relay = Nur der Supportdienst sagt es
proof-link = Niemand hat ihn belegt
proof-detail = { $key } · Nummer { $serial } · Schlüssel { $fingerprint }
somebody = Techniker { $seat }
client = Kunde

## Was getan wurde: die Aufzeichnung selbst

line-record-began = Die Aufzeichnung begann.
line-record-restarted = Die Aufzeichnung geht nach einem Neustart des Geräts weiter.
line-record-died = Die Aufzeichnung geht weiter: Das Programm, das sie schreibt, war ohne Vorwarnung zu Ende, oder der Strom fiel aus.
line-record-verdict = Die Aufzeichnung wurde noch einmal geöffnet für das, was der Kunde danach sagte.
line-torn = { $sentence } Die letzte Zeile davor war nicht bis zum Ende geschrieben ({ $size }).
line-recording-bound = Ab hier wurde nicht mehr aufgezeichnet, was Befehlszeilen zeigen: Die Höchstmenge für eine Sitzung war erreicht.
line-recording-disk-full = Ab hier wurde nicht mehr aufgezeichnet, was Befehlszeilen zeigen: Der Datenträger war voll.
line-recording-disk-slow = Ab hier wurde nicht mehr aufgezeichnet, was Befehlszeilen zeigen: Der Datenträger war zu langsam.
line-recording-disk-failed = Ab hier wurde nicht mehr aufgezeichnet, was Befehlszeilen zeigen: Der Datenträger nahm es nicht an.
line-anchored = Der Supportdienst hat die Aufzeichnung bis Zeile { $seq } unterschrieben ({ $time }).
line-closed = Die Aufzeichnung wurde abgeschlossen.
line-closed-late = Die Aufzeichnung wurde beim nächsten Start abgeschlossen, weil es am Ende der Sitzung nicht ging.
line-unknown = Es geschah etwas, das diese Version des Berichts nicht kennt.

## Was getan wurde: die Sitzung

line-consent-asked = Der Kunde wurde gefragt, ob { $person } ({ $company }) eingelassen wird. Beleg des Namens: { $proof }.
line-consent-given = Der Kunde hat { $person } eingelassen.
line-session-began = Die Sitzung begann, für höchstens { $time }.
line-session-ended = Die Sitzung endete: { $cause }.
line-interrupted = Die Seite des Technikers war nicht erreichbar: { $problem }.
line-resumed = Die Seite des Technikers war wieder da.
line-relay-lost = Der Supportdienst war nicht erreichbar.
line-relay-back = Der Supportdienst war wieder da.
line-engineer-returned = Das Programm von { $person } wurde neu gestartet.
line-extended = Der Kunde gab mehr Zeit; die Sitzung dauerte noch { $time }.
line-time-left = Dem Kunden wurde gesagt, wie viel Zeit noch bleibt: { $time }.
line-transfers-pass = Übertragungen konnten weitergehen.
line-transfers-held = Übertragungen warteten auf das Wort des Kunden.
line-transfers-refused = Der Kunde hat die Übertragungen angehalten.
line-restarts = Das Gerät startet neu; die Sitzung soll danach weitergehen.
line-restarts-power = Der Strom wird von Hand abgeschaltet; die Sitzung soll danach weitergehen.
line-carry-on-offered = Das Gerät war wieder da, und der Kunde wurde gefragt, ob die Sitzung weitergeht.
line-carry-on-agreed = Der Kunde ließ die Sitzung weitergehen.

## Was getan wurde: Fragen

line-asked = { $person } fragte den Kunden: { $question }
line-told = { $person } teilte dem Kunden mit: { $question }
line-answered = Antwort des Kunden auf „{ $question }“: { $answer }.
line-leave-asked = Der Kunde wurde um Erlaubnis gefragt: { $question }
line-leave-asked-guest = Der Kunde wurde um Erlaubnis gefragt: { $question } Beleg des Namens: { $proof }.
line-leave-answered = Antwort des Kunden auf „{ $question }“: { $answer }.
line-withdrawn = Die Frage „{ $question }“ wurde zurückgenommen.
unknown-question = eine Frage, die nicht in der Aufzeichnung steht
question-extension = { $minutes ->
    [1] Eine Minute mehr?
   *[other] { $minutes } Minuten mehr?
  }
question-with-reason = { $question } ({ $reason })
question-step = Bitte tun Sie das: { $text }
question-text = { $text }
question-choices = { $question } [{ $choices }]
question-restart = Darf das Gerät neu starten?
question-power = Darf der Strom abgeschaltet werden?
question-observer = Darf { $name } zuschauen?
question-observer-and-report = Darf { $name } zuschauen und eine Kopie des Berichts bekommen?
question-join-code = Ein Code für einen weiteren Techniker
question-hand-over = Ab jetzt leitet { $name } die Sitzung
question-remove = { $name } soll gehen
question-consent = Darf { $person } herein?
question-function = Darf das verwendet werden: { $function }?
question-operation = Darf das gestartet werden: { $title }?
question-guest = Darf { $person } ({ $company }) dazukommen und am Gerät arbeiten?
question-guest-observes = Darf { $person } ({ $company }) dazukommen und zuschauen?
question-data = Mehr als { $megabytes } MB gingen über eine Verbindung, die nach Menge kosten kann. Dürfen es mehr sein?
answer-granted = ja, die Sitzung dauert noch { $time }
answer-text = „{ $text }“
answer-done = erledigt
answer-refused = nein
answer-none = keine Antwort in der vorgesehenen Zeit
answer-busy = nicht gefragt, weil eine andere Frage offen war
answer-taken = wurde mitgeteilt
answer-restarting = ja, es dauert etwa { $time }
answer-link = ja, ein Link wurde erstellt
answer-join-code = ein Code wurde erstellt, gültig für { $time }
answer-no-more-time = nicht gefragt: Länger kann die Sitzung nicht dauern
answer-yes = ja
answer-no = nein
answer-withdrawn = zurückgenommen
answer-open = in der Aufzeichnung steht keine Antwort
answer-runbook-maker = angenommen, unterschrieben von { $key }
answer-runbook-own = angenommen als die des Technikers
answer-runbook-refused = nicht angenommen
answer-runbook-unknown = nicht bekannt
answer-not-now = jetzt nicht: { $why }
not-now-never = der Besitzer des Geräts erlaubt es nicht
not-now-operation-runs = ein Vorgang läuft
not-now-relay-too-old = der Supportdienst ist zu alt dafür
not-now-unable = das Gerät kann sich nicht selbst neu starten
not-now-not-stored = was man zum Weitermachen braucht, ließ sich nicht speichern
not-now-interrupted = eine Verbindung ist unterbrochen
not-now-under-way = es geschieht schon
not-now-not-owner = das darf nur, wer die Sitzung leitet
not-now-nobody = niemand heißt so
not-now-too-many = es sind schon zu viele Personen
not-now-name-taken = der Name ist vergeben
column-when = Wann
column-who = Wer
column-question = Frage
column-answer = Antwort

## Was getan wurde: Gespräch

line-chat = { $who }: „{ $text }“
line-noted = Der Techniker notierte: „{ $text }“
line-noted-client = Der Techniker notierte, was der Kunde sagte: „{ $text }“
line-quiet-began = Der Techniker arbeitete allein, höchstens { $time }.
line-quiet-began-text = Der Techniker arbeitete allein, höchstens { $time }: { $text }
line-quiet-over = Der Techniker braucht den Kunden vielleicht wieder.
line-called = Der Kunde wurde ans Gerät gerufen.
line-presence-asked = Der Kunde wurde gefragt, ob er da ist.
line-presence-away = Am Gerät hat sich niemand gemeldet; der Techniker machte weiter.
line-presence-held = Am Gerät hat sich niemand gemeldet; der Techniker musste warten.
line-presence-here = Der Kunde ist am Gerät.
line-battery = Der Akku des Geräts war schwach: { $percent } %.
line-outcome = Der Techniker sagt: { $result }.
line-verdict = Der Kunde sagt: { $verdict }

## Was getan wurde: Personen

line-join-code = { $person } bat um einen Code für einen weiteren Techniker.
line-join-failed = { $person } ({ $company }) wollte dazukommen und wurde nicht eingelassen: { $cause }.
line-guest-let-in = { $person } ({ $company }) wurde hereingelassen, um ebenfalls am Gerät zu arbeiten, weil der Code zum Dazukommen bekannt war: An diesem Gerät wird niemand gefragt. Nachweis des Namens: { $proof }.
line-guest-let-in-observes = { $person } ({ $company }) wurde zum Zuschauen hereingelassen, weil der Code zum Dazukommen bekannt war: An diesem Gerät wird niemand gefragt. Nachweis des Namens: { $proof }.
line-joined = { $person } kam dazu, um ebenfalls am Gerät zu arbeiten.
line-joined-observes = { $person } kam dazu, um zuzuschauen.
line-left = { $person } ging: { $cause }.
line-handed-over = { $from } übergab die Sitzung an { $to }.
line-handed-over-gone = Die Sitzung ging von { $from } an { $to } über: { $cause }.
line-observer-invited = { $name } wurde eingeladen, mit einem Link zuzuschauen.
line-observer-invited-here = { $name } kann ab jetzt zuschauen und ist noch nicht gekommen.
line-observer-here = { $name } schaut zu.
line-observer-away = { $name } schaut gerade nicht zu.
line-observer-over = { $name } schaut nicht mehr zu: { $cause }.
unknown-observer = jemand mit einem Link

## Was getan wurde: Arbeit

line-operation = { $title }: { $state }.
operation-starting = wird gestartet
operation-running = läuft
operation-percent = läuft, { $percent } % sind fertig
operation-after-restart = geht nach einem Neustart des Geräts weiter
operation-succeeded = ist gelungen
operation-failed = ist fehlgeschlagen, mit Code { $code }
operation-killed = wurde abgebrochen, durch Signal { $signal }
operation-lost = wurde unterbrochen, und niemand weiß, wie weit es kam
operation-restart = { $state }; dafür muss das Gerät neu gestartet werden
line-operation-refused = Der Vorgang { $name } wurde nicht gestartet: { $why }.
refusal-unknown = es gibt keinen mit diesem Namen
refusal-never = der Besitzer des Geräts erlaubt keine Vorgänge
refusal-refused = der Kunde hat es nicht erlaubt
refusal-unanswered = der Kunde hat nicht geantwortet
refusal-too-often = der Kunde wurde zu oft gefragt
refusal-busy = ein anderer läuft
refusal-over = die Sitzung ist zu Ende
refusal-no-file = er nimmt keine Datei an
refusal-too-large = die Datei ist zu groß
refusal-incomplete = die Datei kam nicht vollständig an
refusal-not-started = das Gerät konnte ihn nicht starten
refusal-none = es läuft keiner
refusal-malformed = die Nachricht war nicht zu verstehen
line-runbook-at = Schrittliste { $title }, Schritt { $number } von { $count }: { $step }
line-runbook-step-over = Schrittliste { $title }, Schritt { $number } von { $count }: { $step }: { $how }.
step-passed = wie es sein soll ({ $result })
step-not-passed = nicht wie es sein soll ({ $result })
step-exit = Rückgabewert { $code }
step-answer = Antwort: { $text }
step-done = erledigt
step-refused = der Kunde hat Nein gesagt
step-no-answer = keine Antwort
step-busy = etwas anderes war im Weg
step-failed = es ging nicht
line-let-in-by-pin = { $person } ({ $company }) wurde hereingelassen, weil die PIN bekannt war: An diesem Gerät wird niemand gefragt. Nachweis des Namens: { $proof }.
line-transfers-lost = Was eine Dateiübertragung tat, steht ab hier nicht mehr da: Sie war nicht zu verstehen.
line-events-lost = Hier fehlen { $count } Zeilen zu Befehlen, Dateien oder Verbindungen: Der Datenträger nahm einen Moment lang nichts an.
line-channels-unrecorded = Befehle, Dateien und Verbindungen stehen ab hier nicht mehr da: Es waren zu viele.
line-runbook-finished = Die Schrittliste { $title } wurde bis zum Ende durchgegangen.
line-runbook-stopped = Die Schrittliste { $title } wurde vor ihrem Ende aufgegeben.
line-runbook-refused = Eine Schrittliste wurde nicht angenommen: { $why }.
runbook-malformed = ihre Form ist nicht zu verstehen
runbook-signature-unreadable = ihre Unterschrift ist nicht zu lesen
runbook-namespace = ihre Unterschrift ist für etwas anderes gemacht
runbook-altered = sie wurde nach der Unterschrift verändert
runbook-of-maker = unterschrieben von { $maker }
runbook-own = die eigene des Technikers
runbook-finished = bis zum Ende durchgegangen
runbook-stopped = bei Schritt { $number } von { $count } aufgegeben
runbook-open = bei Schritt { $number } von { $count }, als die Aufzeichnung endete
line-shell = { $person } öffnete eine Befehlszeile.
line-exec = { $person } führte einen Befehl aus:
line-sftp = { $person } öffnete eine Dateiübertragung.
line-operations = { $person } öffnete die Liste der Vorgänge.
line-forward = { $person } öffnete eine Verbindung durch das Gerät zu:
line-refused-shell = { $person } bekam keine Befehlszeile: { $why }.
line-refused-exec = { $person } durfte einen Befehl nicht ausführen ({ $why }):
line-refused-sftp = { $person } bekam keine Dateiübertragung: { $why }.
line-refused-operations = { $person } bekam keinen Zugang zu den Vorgängen: { $why }.
line-refused-forward = { $person } bekam keine Verbindung ({ $why }):
line-terminal-began = Was diese Befehlszeile zeigt, wird aufgezeichnet ({ $file }).
line-terminal-sealed = Die Aufnahme { $file } wurde bei { $size } versiegelt.
line-upload = Eine Datei wurde auf das Gerät kopiert ({ $size }, { $proof }):
line-download = Eine Datei wurde vom Gerät kopiert ({ $size }, { $proof }):
line-transfer-incomplete = Eine Datei wurde nur zum Teil kopiert ({ $size }, { $proof }):
line-change-done = Mit der Dateiübertragung geändert ({ $change }):
line-change-refused = Mit der Dateiübertragung nicht geändert ({ $change }: { $why }):
line-change-unanswered = Mit der Dateiübertragung vielleicht geändert, denn es kam keine Antwort ({ $change }):
change-rename = Umbenennung
change-remove = Löschen
change-make-directory = neues Verzeichnis
change-remove-directory = Löschen eines Verzeichnisses
change-symbolic-link = neue symbolische Verknüpfung
change-hard-link = weiterer Name für eine Datei
change-copy = Kopie auf dem Gerät
attribute-permissions = Zugriffsrechte { $value }
attribute-user = Nummer des Besitzers { $value }
attribute-group = Nummer der Gruppe { $value }
attribute-size = Größe { $value }
change-done = ausgeführt
change-unanswered = es kam keine Antwort: Niemand weiß, ob es ausgeführt wurde
change-no-such-file = es gibt keine solche Datei und kein solches Verzeichnis
change-not-permitted = das Gerät erlaubt es nicht
change-failed = es ist fehlgeschlagen
change-not-supported = das Gerät kann es nicht
change-refused = Code { $code }
line-over = { $program } { $outcome }: { $input } hinein, { $output } heraus.
program-shell = Die Befehlszeile
program-exec = Der Befehl
program-sftp = Die Dateiübertragung
program-operations = Die Liste der Vorgänge
program-forward = Die Verbindung
program-unknown = Ein Kanal
outcome-exit = endete mit Code { $code }
outcome-signal = wurde durch Signal { $signal } abgebrochen
outcome-closed = wurde geschlossen
outcome-failed = kam nicht zustande
outcome-cut = brach ab
hash-sha256 = SHA-256 { $digest }
hash-known = Prüfsumme festgehalten
hash-none = keine Prüfsumme: Die Daten kamen ungeordnet oder nur zum Teil
command-cut = (länger, als die Aufzeichnung behält)
column-kind = Art
column-what = Was
column-end = Ausgang
column-in = Hinein
column-out = Heraus
column-direction = Richtung
column-path = Pfad auf dem Gerät
column-size = Größe
column-hash = SHA-256
column-complete = Vollständig
column-change = Änderung
column-result = Ergebnis
kind-shell = Befehlszeile
kind-exec = Befehl
kind-sftp = Dateiübertragung
kind-operations = Vorgänge
kind-forward = Verbindung
kind-refused = abgelehnt: { $why }
direction-upload = auf das Gerät
direction-download = vom Gerät
commands-note = Befehle wie rsync, git und cat übertragen Daten in ihren eigenen Bytes: Was sie kopieren, hat unter „Dateien“ keine eigene Zeile.
forwards-note = Was durch eine Verbindung geht, wird gezählt und nicht aufgezeichnet.
no-commands = Es wurde kein Befehl ausgeführt und keine Verbindung geöffnet.
no-files = Mit der Dateiübertragung wurde keine Datei übertragen.
no-questions = Der Kunde wurde nichts gefragt.
no-notes = Es gibt keine Notizen, und es wurde nichts geschrieben.
no-runbooks = Es wurde keine Schrittliste durchgegangen.
no-terminals = Es wurde keine Befehlszeile aufgezeichnet.
no-people = Die Aufzeichnung nennt niemanden.

## Lücken

no-gaps = Es fehlt nichts, wovon die Aufzeichnung weiß.
gap-died = Die Aufzeichnung brach ohne Vorwarnung ab und geht später weiter: Was dazwischen geschah, steht nicht darin.
gap-restarted = Das Gerät wurde während der Sitzung neu gestartet, wie es der Kunde erlaubt hatte.
gap-recording-stopped = Was Befehlszeilen zeigten, wurde nicht bis zum Ende aufgezeichnet.
gap-channels-unrecorded = Von da an stehen Befehle, Dateien und Verbindungen nicht mehr da: Es waren zu viele.
gap-events-lost = Zeilen zu Befehlen, Dateien oder Verbindungen, die bis dahin fehlen, weil der Datenträger einen Moment lang nichts annahm: { $count }.
gap-transfers-lost = Von da an steht nicht mehr da, was eine der Dateiübertragungen tat: Sie war nicht zu verstehen.
gap-clock-forward = Die Uhr des Geräts wurde vorgestellt, um { $time }.
gap-clock-back = Die Uhr des Geräts wurde zurückgestellt, um { $time }.
gap-unreadable = Zeilen der Aufzeichnung, die nicht zu lesen sind: { $count }.
gap-unknown = Zeilen der Aufzeichnung, deren Art diese Version des Berichts nicht kennt: { $count }.
gap-chain = Die Kette der Prüfsummen bricht bei Zeile { $number }: Jemand hat die Aufzeichnung verändert, oder sie ist beschädigt. Verlassen Sie sich nicht auf diesen Bericht.
gap-cut = Die Aufzeichnung ist länger, als ein Bericht liest: Was nach Zeile { $number } kommt, steht nicht in diesem Bericht.
gap-unclosed = Die Aufzeichnung wurde nicht abgeschlossen.
course-cut = Weitere Zeilen, die nur in der Aufzeichnung stehen: { $count }.
course-own = Was die Aufzeichnung über sich selbst sagt ({ $count ->
    [1] eine Zeile
   *[other] { $count } Zeilen
  })

## Befehlszeilen

terminal-title = Befehlszeile { $number }: { $person }, { $time }
transcript = Mitschrift
transcript-note = Als Text, ohne Farben und ohne Programme, die den ganzen Bildschirm brauchen.
transcript-cut = Die Mitschrift ist hier gekürzt. Weitere Zeilen, die nur in der Aufzeichnung stehen: { $count }.
transcript-full-screen = [hier war ein Programm zu sehen, das den ganzen Bildschirm braucht]
transcript-empty = Es war nichts zu sehen.
terminal-missing = Die Aufnahme { $file } liegt der Aufzeichnung nicht bei.
terminal-damaged = Die Aufnahme { $file } ist nicht vollständig zu lesen.
player-play = Aufnahme abspielen
player-none = Die Aufnahme ist zu groß für diese Seite: Sie steht nur in der Aufzeichnung, als { $file }.
player-note = Zum Abspielen öffnen Sie diese Seite an einem Bildschirm und erlauben Sie Skripte.

## Prüfen Sie selbst

check-intro = Diese Seite lässt sich fälschen wie jede andere. Die Aufzeichnung lässt sich nicht verändern, ohne dass es auffällt: Sie ist ein Verzeichnis, dessen Dateien verkettet, aufgelistet und mit dem eigenen Schlüssel des Geräts unterschrieben sind. Um das zu prüfen, lassen Sie sich die Aufzeichnung der Sitzung { $session } geben und vergleichen Sie sie mit den folgenden Werten.
label-fingerprint = Fingerabdruck des Geräteschlüssels
label-head = Letzte Zeile des Ablaufs
label-head-hash = Ihre Prüfsumme (SHA-256)
label-receipt = Quittung in zwölf Wörtern
label-anchor = Letzte Unterschrift des Supportdienstes
anchor-line = bis Zeile { $seq }, am { $time }
unknown-fingerprint = der Schlüssel ist nicht zu lesen
head-line = Zeile { $seq }
check-receipt = Haben Sie am Ende der Sitzung zwölf Wörter fotografiert oder aufgeschrieben? Wenn es dieselben sind wie diese, ist die Aufzeichnung noch die von damals.
earlier-receipts = Die Aufzeichnung wurde danach noch einmal geöffnet. Haben Sie die Wörter vorher festgehalten, sind es diese:
check-commands = Wer mit einer Befehlszeile umgehen kann, prüft die Aufzeichnung in ihrem Verzeichnis mit üblichen Werkzeugen. Diese Befehle brauchen nichts von uns:
check-commands-sums = Keine der aufgelisteten Dateien wurde verändert:
check-commands-signature = Das Gerät hat die Liste unterschrieben. Vergleichen Sie zuerst den Fingerabdruck von device.pub mit dem oben:
check-commands-stamp = Wenn es einen Zeitstempel gibt: Er gehört zu dieser Liste. authority.pem ist das Zertifikat der Zeitstempelstelle:
check-script = Das folgende Skript prüft auch die Kette des Ablaufs, Zeile für Zeile, und was der Supportdienst davon unterschrieben hat. Es gehört zu unserem Quelltext und ist hier abgedruckt, damit Sie es nicht von uns holen müssen:
licence-player = Aufnahmen spielt asciinema-player ab, der unter der Apache-Lizenz 2.0 steht:

## Warum etwas endete, als Teil eines Satzes

reason-engineer-ended = der Techniker hat beendet
reason-engineer-stopped = das Programm des Technikers wurde beendet
reason-client-ended = der Kunde hat beendet
reason-client-refused = es wurde nicht erlaubt
reason-no-answer = es kam keine Antwort
reason-time-up = die vereinbarte Zeit ist um
reason-relay-limit = die Höchstdauer des Supportdienstes ist erreicht
reason-revoked = dem Techniker wurde der Zugang entzogen
reason-relay-stopping = der Supportdienst startet neu
reason-relay-restarted = der Supportdienst wurde neu gestartet
reason-agent-stopped = der Fernzugriff wurde am Gerät ausgeschaltet
reason-agent-restarted = der Fernzugriff ist am Gerät ausgefallen und wurde neu gestartet
reason-connection-lost = die Verbindung ging verloren
reason-engineer-lost = die Verbindung zum Techniker ging verloren
reason-silence = die Gegenseite war nicht mehr zu hören
reason-tampered = eine Nachricht wurde unterwegs verändert oder vertauscht
reason-incompatible = die Programme beider Seiten verstehen einander nicht (das ältere aktualisieren)
reason-restarting = das Gerät startet neu
reason-not-back = das Gerät kam nicht rechtzeitig von seinem Neustart zurück
reason-session-process-lost = was die Programme des Technikers ausführt, ist am Gerät ausgefallen
reason-scanner-failed = das Gerät konnte den Techniker nicht einlassen
reason-id-taken = der Supportdienst nimmt diese Support-ID nicht mehr an
reason-busy = ein anderer Techniker ist mit diesem Scanner verbunden
reason-wrong-pin = die PIN war falsch
reason-burnt = Support-ID und PIN sind durch falsche PINs verbraucht
reason-burnt-by-refusals = ein Techniker wurde zweimal nicht eingelassen; damit sind Support-ID und PIN verbraucht
reason-burnt-by-withdrawals = der Kunde wurde zu oft gefragt, ohne antworten zu können; damit sind Support-ID und PIN verbraucht
reason-relay-ended = der Supportdienst hat beendet
reason-pairing-timeout = der Verbindungsaufbau dauerte zu lange
reason-partner-missing = die Gegenseite antwortete nicht rechtzeitig
reason-pairing-aborted = der Verbindungsaufbau wurde abgebrochen
reason-certificate-missing = es kam kein Nachweis, wer der Techniker ist
reason-certificate-unsupported = der Namensnachweis des Technikers ist von einer Art, die hier nicht gilt
reason-certificate-authority = der Namensnachweis des Technikers stammt nicht von der Stelle, der das Gerät vertraut
reason-certificate-expired = der Namensnachweis des Technikers ist abgelaufen
reason-certificate-not-yet-valid = der Namensnachweis des Technikers gilt noch nicht
reason-certificate-principal = der Techniker gehört nicht zu denen, die sich mit dem Gerät verbinden dürfen
reason-certificate-revoked = der Namensnachweis des Technikers wurde zurückgezogen
reason-certificate-not-hardware = der Techniker muss einen Sicherheitsschlüssel benutzen und tat es nicht
reason-revocation-unknown = das Gerät kann nicht lesen, wessen Namensnachweis zurückgezogen ist, und lässt niemanden ein
reason-clock-not-set = die Uhr des Geräts ist noch nicht gestellt
reason-proof-namespace = der Namensnachweis des Technikers wurde für etwas anderes ausgestellt
reason-proof-signature = der Namensnachweis des Technikers stimmt nicht
reason-proof-other-scanner = der Namensnachweis des Technikers gilt für ein anderes Gerät
reason-proof-replayed = die Anfrage gehört zu einem früheren Versuch
reason-proof-altered = die Anfrage wurde unterwegs verändert
reason-removed = für diese Person hat es jemand aus der Sitzung beendet
reason-other-device = der Link wurde vorher auf einem anderen Gerät benutzt
reason-code-used-up = der Code zum Dazukommen ist verbraucht oder zu alt
reason-proof-other-key = es ist nicht der Techniker, mit dem die Sitzung begann
reason-unknown = aus einem Grund, den diese Version nicht kennt

## Was eine Sitzung verwenden darf

function-shell = eine Befehlszeile
function-exec = einzelne Befehle
function-upload = Dateien auf das Gerät kopieren
function-download = Dateien vom Gerät kopieren
function-forward = Anschlüsse (Ports) des Geräts
function-operations = Updates und andere vorbereitete Vorgänge
function-guests = weitere Personen, die dazukommen oder zuschauen
function-diagnostics = Diagnosedaten holen (Auszüge aus Protokollen)
function-restart = ein Neustart des Geräts

## Fertige Fragen und ihre Antworten, wie der Kunde sie liest

ready-light-at-start = Was zeigt das Licht am Scanner gleich nach dem Einschalten?
ready-light-while-scanning = Was zeigt das Licht am Scanner während einer Aufnahme?
ready-sounds = Was ist vom Scanner zu hören?
ready-battery-swap = Bitte wechseln Sie den Akku: den alten herausnehmen, den geladenen einsetzen, bis er einrastet.
ready-cable = Bitte ziehen Sie das Netzwerkkabel ab und stecken Sie es an beiden Enden wieder ein, bis es einrastet.
ready-restart-by-hand = Bitte schalten Sie den Scanner am Knopf aus, warten Sie zehn Sekunden und schalten Sie ihn wieder ein. Der Fernzugriff ist dann aus und muss neu gestartet werden.
choice-off = nichts, es ist aus
choice-green = grün
choice-blue = blau
choice-yellow = gelb
choice-red = rot
choice-blinking = es blinkt
choice-nothing = nichts
choice-one-beep = ein Ton
choice-beeps = mehrere Töne
choice-fan = ein lauter Lüfter
choice-grinding = Schleifen oder Kratzen

## Der Zustand des Geräts

part-health = Das Gerät vorher und nachher
label-health-start = Am Anfang
label-health-end = Am Ende
health-not-read = nicht gelesen
health-no-warnings = nichts war eine Warnung wert
health-same = Dazwischen hat sich nichts Wesentliches geändert.
health-not-compared = Es gibt nichts zu vergleichen.
health-note = Kleine Änderungen von Platz, Temperaturen und Lüftern sind weggelassen. Die Aufzeichnung hat beides vollständig.
column-part = Was
column-before = Vorher
column-after = Nachher
line-health-start = Der Zustand des Geräts wurde am Anfang gelesen.
line-health-end = Der Zustand des Geräts wurde am Ende gelesen.
line-health-warned = Beide Seiten wurden gewarnt: { $warning }
line-health = { $person } hat den Zustand des Geräts gelesen.
line-refused-health = { $person } bekam den Zustand des Geräts nicht zu lesen: { $why }.
program-health = Das Lesen des Zustands
kind-health = Zustand
line-diagnosis = { $person } hat Diagnosedaten geholt: Auszüge aus Protokollen und den Zustand des Geräts.
line-refused-diagnosis = { $person } bekam keine Diagnosedaten: { $why }.
program-diagnosis = Das Holen der Diagnosedaten
kind-diagnosis = Diagnosedaten

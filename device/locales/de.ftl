# Was die Person am Gerät liest, auf Deutsch.

## Wer

visitor = { $engineer } ({ $company }), Ticket { $ticket }
visitor-with-partner = { $engineer } ({ $company }), Ticket { $ticket }, Partner { $partner }

## Wie lange

seconds = { $count } Sekunden
minutes = { $count ->
    [1] eine Minute
   *[other] { $count } Minuten
  }

## Warum etwas endete, als Teil eines Satzes

reason-engineer-ended = der Techniker hat beendet
reason-engineer-stopped = das Programm des Technikers wurde beendet
reason-client-ended = Sie haben beendet
reason-client-refused = es wurde nicht erlaubt
reason-no-answer = es kam keine Antwort
reason-time-up = die vereinbarte Zeit ist um
reason-relay-limit = die Höchstdauer des Supportdienstes ist erreicht
reason-revoked = dem Techniker wurde der Zugang entzogen
reason-relay-stopping = der Supportdienst startet neu
reason-relay-restarted = der Supportdienst wurde neu gestartet
reason-agent-stopped = er wurde an diesem Gerät ausgeschaltet
reason-agent-restarted = er ist an diesem Gerät ausgefallen und wurde neu gestartet
reason-connection-lost = die Verbindung ging verloren
reason-engineer-lost = die Verbindung zum Techniker ging verloren
reason-silence = die Gegenseite war nicht mehr zu hören
reason-tampered = eine Nachricht wurde unterwegs verändert oder vertauscht
reason-incompatible = die Programme beider Seiten verstehen einander nicht (das ältere aktualisieren)
reason-restarting = dieses Gerät startet neu
reason-not-back = dieses Gerät kam nicht rechtzeitig von seinem Neustart zurück
reason-session-process-lost = was die Programme des Technikers ausführt, ist an diesem Gerät ausgefallen
reason-scanner-failed = dieses Gerät konnte den Techniker nicht einlassen
reason-id-taken = der Supportdienst nimmt diese Support-ID nicht mehr an
reason-busy = ein anderer Techniker ist mit diesem Scanner verbunden
reason-wrong-pin = die PIN war falsch
reason-burnt = Support-ID und PIN sind durch falsche PINs verbraucht
reason-burnt-by-refusals = ein Techniker wurde zweimal nicht eingelassen; damit sind Support-ID und PIN verbraucht
reason-burnt-by-withdrawals = Sie wurden zu oft gefragt, ohne antworten zu können; damit sind Support-ID und PIN verbraucht
reason-relay-ended = der Supportdienst hat beendet
reason-pairing-timeout = der Verbindungsaufbau dauerte zu lange
reason-partner-missing = die Gegenseite antwortete nicht rechtzeitig
reason-pairing-aborted = der Verbindungsaufbau wurde abgebrochen
reason-certificate-missing = es kam kein Nachweis, wer der Techniker ist
reason-certificate-unsupported = der Namensnachweis des Technikers ist von einer Art, die hier nicht gilt
reason-certificate-authority = der Namensnachweis des Technikers stammt nicht von der Stelle, der dieses Gerät vertraut
reason-certificate-expired = der Namensnachweis des Technikers ist abgelaufen
reason-certificate-not-yet-valid = der Namensnachweis des Technikers gilt noch nicht
reason-certificate-principal = der Techniker gehört nicht zu denen, die sich mit diesem Gerät verbinden dürfen
reason-certificate-revoked = der Namensnachweis des Technikers wurde zurückgezogen
reason-certificate-not-hardware = der Techniker muss einen Sicherheitsschlüssel benutzen und tat es nicht
reason-revocation-unknown = dieses Gerät kann nicht lesen, wessen Namensnachweis zurückgezogen ist, und lässt niemanden ein
reason-clock-not-set = die Uhr dieses Geräts ist noch nicht gestellt
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
hearsay = der Supportdienst sagt: { $cause }
hearsay-client-ended = am Scanner wurde beendet
hearsay-agent-stopped = der Fernzugriff wurde am Scanner ausgeschaltet
hearsay-agent-restarted = der Fernzugriff ist am Scanner ausgefallen und wurde neu gestartet
hearsay-session-process-lost = am Scanner ist ausgefallen, was die Programme des Technikers ausführt
hearsay-scanner-failed = der Scanner konnte den Techniker nicht einlassen
hearsay-burnt-by-refusals = am Scanner wurde zum zweiten Mal abgelehnt; damit sind Support-ID und PIN verbraucht
hearsay-burnt-by-withdrawals = am Scanner wurde zu oft gefragt; damit sind Support-ID und PIN verbraucht

## Warum der Fernzugriff aus ist

notice-ended = Der Fernzugriff ist beendet: { $cause }.
notice-burnt = Es wurden drei falsche PINs versucht, die letzte von { $visitor }. Support-ID und PIN gelten nicht mehr.
notice-idle = Eine Weile hat sich niemand verbunden.
notice-clock-awaited = Die Sitzung von vor dem Neustart kann weitergehen, sobald die Uhr dieses Geräts gestellt ist. Ist das Netzwerk verbunden?
with-code = { $sentence } (Code { $code }).
with-network-code = { $sentence } ({ $code })
unknown-message = Der Fernzugriffsdienst meldet etwas, das dieses Programm nicht kennt. Starten Sie das Gerät neu.

## Was daneben gesagt wird

warning-time-left = { $minutes ->
    [1] Die Sitzung endet in einer Minute.
   *[other] Die Sitzung endet in { $minutes } Minuten.
  }
warning-more-time = Sie haben dem Techniker mehr Zeit gegeben: Die Sitzung endet in { $time }.
warning-no-more-time = Länger kann die Sitzung nicht dauern.
warning-wrong-pin = Eine falsche PIN wurde versucht, von { $visitor }.
warning-not-believed = Ein Techniker wurde abgewiesen, laut Supportdienst { $visitor }: { $cause }.
warning-broken-off = { $visitor } hat während der Prüfung der PIN abgebrochen; das zählt als falsche PIN.
warning-refused = Sie haben { $engineer } nicht eingelassen. Geschieht das noch einmal, geht der Fernzugriff aus.
warning-use-allowed = Sie haben für diese Sitzung erlaubt: { $function }.
warning-data-allowed = Sie haben erlaubt, dass in dieser Sitzung weitere Daten übertragen werden.
warning-battery-low = Der Akku dieses Geräts hat noch { $percent } %. Bitte schließen Sie es an den Strom an, oder tauschen Sie den Akku, wenn der Techniker es sagt.
warning-health = An diesem Gerät sollte etwas angesehen werden: fieldlink health sagt, was.
warning-recording-stopped = Was die Terminals des Technikers zeigen, wird ab hier nicht mehr aufgezeichnet: Der Platz dafür ist verbraucht, oder der Datenträger dieses Geräts nimmt es nicht an. Alles andere wird aufgezeichnet, soweit der Datenträger es annimmt, und die Sitzung geht weiter.
warning-done = Sie haben gesagt, dass es getan ist.
warning-answered-no = Sie haben Nein gesagt.
warning-answered = Sie haben geantwortet: { $text }
warning-not-let-in = Es kam rechtzeitig keine Antwort, darum wurde { $engineer } nicht eingelassen. Geschieht das noch einmal, geht der Fernzugriff aus.
warning-no-answer = Es kam rechtzeitig keine Antwort. Der Techniker weiß es.
warning-withdrawn = Die Frage wurde zurückgenommen.
warning-no-longer-asks = { $engineer } möchte nicht mehr hinein: { $cause }.
warning-delayed = Der Techniker ist gerade nicht erreichbar und liest das, sobald die Verbindung wieder steht.
warning-quiet = Der Techniker arbeitet { $time } ohne Sie. Bitte bleiben Sie erreichbar.
warning-quiet-with-text = Der Techniker arbeitet { $time } ohne Sie ({ $text }). Bitte bleiben Sie erreichbar.
warning-quiet-over = Der Techniker braucht Sie vielleicht wieder.
warning-called = Der Techniker braucht Sie hier. Bitte kommen Sie ans Telefon oder tippen Sie eine Nachricht.
warning-noted = Der Techniker hat notiert: { $text }
warning-noted-of-client = Der Techniker hat notiert, was Sie gesagt haben: { $text }
warning-still-there = Sind Sie noch da? Drücken Sie innerhalb von { $time } die Eingabetaste (oder: fieldlink here).
warning-nobody-there = Niemand hat sich gemeldet. Der Techniker weiß es.
warning-nobody-there-held = Niemand hat sich gemeldet: Der Techniker muss warten, bis Sie die Eingabetaste drücken (oder: fieldlink here).
warning-back-again = Danke. Der Techniker weiß, dass Sie da sind.
warning-back-again-held = Danke. Der Techniker macht weiter.
presence-asked = Das Gerät fragt, ob Sie noch da sind: fieldlink here
presence-away = Niemand hat sich gemeldet: fieldlink here
presence-held = Niemand hat sich gemeldet, und der Techniker muss warten: fieldlink here
outcome-resolved = Der Techniker sagt: Das Problem ist gelöst.
outcome-workaround = Der Techniker sagt: Das Problem besteht noch, lässt sich aber umgehen.
outcome-second-session = Der Techniker sagt: Es braucht eine weitere Sitzung.
outcome-summary = In seinen Worten: { $text }
outcome-prepare = Bitte bereiten Sie vor: { $text }
warning-verdict = Sie haben gesagt: { $verdict }.
warning-verdict-with-words = Sie haben gesagt: { $verdict } ({ $words }).
verdict-solved = das Problem ist gelöst
verdict-partly = das Problem ist teilweise gelöst
verdict-not = das Problem ist nicht gelöst
verdict-asked = Ist das Problem gelöst? Sagen Sie es mit: fieldlink verdict solved, partly oder not
panel-verdict = Ist das Problem gelöst? Tippen Sie gelöst, teilweise oder nicht, auf Wunsch mit einem Satz dahinter, und drücken Sie die Eingabetaste.
hint-verdict = Tippen Sie gelöst, teilweise oder nicht. Die Eingabetaste allein startet den Fernzugriff neu.
words-for-solved = gelöst ja
words-for-partly = teilweise
words-for-not = nicht nein
chat-from-engineer = Techniker: { $text }
chat-from-client = Sie: { $text }

## Fragen

# Nach dem, was ein Ja bedeutet.
question-consent = { $identity } { $visitor } einlassen?
consent-allowed = Erlaubt ist dann: { $functions }.
consent-asks = Sie werden noch einmal gefragt vor: { $functions }.
consent-never = Auf diesem Gerät nie erlaubt: { $functions }.
consent-reaches-only = Die Verbindung führt nur zu diesem Scanner.
consent-reaches = Die Verbindung führt zu diesem Scanner und über ihn zu: { $others }.
consent-length = Sie dauert höchstens { $time }, wenn Sie nicht verlängern, und Sie können sie jederzeit beenden.
consent-recorded = Diese Sitzung wird auf diesem Gerät aufgezeichnet: was getan wird, und was die Terminals des Technikers zeigen. Die Aufzeichnung bleibt { $days ->
    [1] einen Tag
   *[other] { $days } Tage
  } hier. Sie können sie lesen und löschen. Am Ende bekommt der Techniker einen Bericht daraus.
consent-not-recorded = Diese Sitzung wird nicht aufgezeichnet.
identity-proven = Den Namen bestätigt { $authority }.
identity-told = Den Namen nennt der Supportdienst.
question-use = Der Techniker möchte verwenden: { $function }. Für diese Sitzung erlauben?
question-data = Der Techniker hat mehr als { $megabytes } MB übertragen, und diese Internetverbindung kostet vielleicht nach Datenmenge. Mehr erlauben?
question-extension = Der Techniker bittet um { $minutes } Minuten mehr. Einverstanden?
question-extension-with-reason = Der Techniker bittet um { $minutes } Minuten mehr: { $reason }. Einverstanden?
question-step = Der Techniker bittet Sie, das zu tun: { $text }
question-text = Der Techniker fragt: { $text }
question-time = (noch { $time } für die Antwort)
question-time-left = Noch { $time } für die Antwort.
type-yes-or-no = Tippen Sie ja oder nein und drücken Sie die Eingabetaste:{" "}
type-done-or-no = Tippen Sie fertig, wenn es getan ist, oder nein, und drücken Sie die Eingabetaste:{" "}
no-answer-done-or-no = Das war keine Antwort: Nur die Wörter fertig und nein zählen.
words-for-done = fertig erledigt
type-an-answer = Tippen Sie eine Antwort und drücken Sie die Eingabetaste:{" "}
type-a-number = Tippen Sie eine Zahl und drücken Sie die Eingabetaste:{" "}
type-a-number-to = Tippen Sie eine Zahl von 1 bis { $most } und drücken Sie die Eingabetaste:{" "}
no-answer-yes-or-no = Das war keine Antwort: Nur die Wörter ja und nein zählen.
no-answer-empty = Das war keine Antwort: Sie ist leer.
no-answer-choice = Das ist keine der Antworten.
words-for-yes = j ja
words-for-no = n nein
words-for-the-end = ende aus stopp
words-for-removal = entfernen

## Was ein Techniker tun darf

function-shell = eine Befehlszeile
function-exec = einzelne Befehle
function-upload = Dateien auf dieses Gerät kopieren
function-download = Dateien von diesem Gerät kopieren
function-forward = Anschlüsse (Ports) dieses Geräts
function-operations = Updates und andere vorbereitete Vorgänge
function-guests = weitere Personen, die dazukommen oder zuschauen
function-diagnostics = Diagnosedaten holen (Auszüge aus den Protokollen dieses Geräts)
function-restart = ein Neustart dieses Geräts

## Vorgänge

operation-starting = { $title } beginnt gleich.
operation-running = { $title } läuft. Schalten Sie das Gerät nicht aus.
operation-running-percent = { $title } läuft, { $percent } % sind fertig. Schalten Sie das Gerät nicht aus.
# Es gibt keine Sitzung mehr.
operation-finishing = { $title } wird fertiggestellt. Schalten Sie das Gerät nicht aus.
operation-finishing-percent = { $title } wird fertiggestellt, { $percent } % sind fertig. Schalten Sie das Gerät nicht aus.
operation-after-restart = { $title } geht von selbst weiter, wenn das Gerät neu gestartet ist. Schalten Sie das Gerät nicht aus.
operation-succeeded = { $title } ist fertig.
operation-succeeded-restart = { $title } ist fertig. Das Gerät muss neu gestartet werden.
operation-failed = { $title } ist fehlgeschlagen. Sagen Sie es Ihrem Support.
operation-lost = { $title } wurde unterbrochen, und es ist nicht bekannt, wie weit es kam. Sagen Sie es Ihrem Support.
label-operation = Vorgang
question-restart = Der Support möchte dieses Gerät neu starten. Die Sitzung geht danach weiter, wenn Sie noch einmal zustimmen. Jetzt neu starten?
question-restart-with-reason = Der Support möchte dieses Gerät neu starten: { $reason }. Die Sitzung geht danach weiter, wenn Sie noch einmal zustimmen. Jetzt neu starten?
question-power-off = Der Support möchte, dass Sie den Strom abschalten, etwa um den Akku zu tauschen. Die Sitzung geht danach weiter, wenn Sie noch einmal zustimmen. Darf der Strom abgeschaltet werden?
question-power-off-with-reason = Der Support möchte, dass Sie den Strom abschalten: { $reason }. Die Sitzung geht danach weiter, wenn Sie noch einmal zustimmen. Darf der Strom abgeschaltet werden?
question-continue = Dieses Gerät ist neu gestartet. Die Sitzung mit { $visitor } fortsetzen? { $minutes ->
    [1] Eine Minute ist übrig.
   *[other] { $minutes } Minuten sind übrig.
  }
question-join = { $identity } { $engineer } ({ $company }) möchte in dieser Sitzung ebenfalls an diesem Gerät arbeiten. Erlauben?
question-join-to-watch = { $identity } { $engineer } ({ $company }) möchte bei dieser Sitzung zuschauen, ohne etwas am Gerät tun zu können. Erlauben?
question-observe = Der Support möchte, dass { $name } über das Internet bei dieser Sitzung zuschaut, ohne etwas am Gerät tun zu können. Erlauben?
question-observe-and-report = Der Support möchte, dass { $name } über das Internet bei dieser Sitzung zuschaut, ohne etwas am Gerät tun zu können, und am Ende eine Kopie des Berichts bekommt. Beides erlauben?
question-operation = Der Support möchte starten: { $title }. Sobald es läuft, darf es nicht unterbrochen werden: Schalten Sie das Gerät dann nicht aus. Erlauben?
warning-restarting = Sie haben zugestimmt. Dieses Gerät wird in { $time } zurückerwartet und fragt Sie dann, ob die Sitzung weitergeht.
warning-guest-allowed = Sie haben es erlaubt.
warning-invited = Der Support möchte einen weiteren Techniker dazuholen. Der braucht dafür einen Code, den nur dieser Support hat.
warning-wrong-code = { $visitor } möchte zu dieser Sitzung dazukommen und kannte den Code nicht.
warning-guest-here = { $engineer } ({ $company }) arbeitet jetzt ebenfalls an diesem Gerät.
warning-guest-watches = { $engineer } ({ $company }) schaut jetzt bei dieser Sitzung zu.
warning-guest-gone = { $engineer } hat diese Sitzung verlassen.
warning-handed-over = Ab jetzt leitet { $engineer } ({ $company }) diese Sitzung.
warning-watcher-here = { $name } schaut jetzt bei dieser Sitzung zu.
warning-watcher-gone = { $name } schaut bei dieser Sitzung nicht mehr zu.
warning-no-restart = Dieses Gerät startet jetzt nicht neu. Der Support weiß es.
warning-operation-allowed = Sie haben zugestimmt. Es beginnt gleich.

## Schrittlisten, die der Techniker durchgeht (Runbooks)

label-runbook = Schritte
runbook-of-maker = vom Hersteller
runbook-of-engineer = vom Techniker selbst
runbook-step = { $title } ({ $origin }), Schritt { $number } von { $count }: { $step }
warning-runbook-began = Der Techniker geht eine Liste von Schritten durch: { $title } ({ $origin }).
warning-runbook-finished = Die Liste von Schritten ist abgeschlossen: { $title }.
warning-runbook-stopped = Die Liste von Schritten endete vor ihrem letzten Schritt: { $title }.
warning-runbook-refused = Der Techniker wollte eine Liste von Schritten durchgehen, deren Unterschrift nicht stimmt. Dieses Gerät hat sie nicht angenommen.

## Fertige Fragen und Schritte und die Antworten zur Auswahl

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

## Das Netz

network-unchecked = Noch nicht geprüft.
network-way-cable = Über Kabel verbunden
network-way-wifi = Über WLAN verbunden
network-way-wifi-named = Über das WLAN „{ $name }“ verbunden
network-way-hotspot = Über den Hotspot eines Telefons verbunden
network-way-hotspot-named = Über den Hotspot „{ $name }“ eines Telefons verbunden
network-way-mobile = Über Mobilfunk verbunden
network-way-bluetooth = Über Bluetooth mit einem Telefon verbunden
network-way-other = Verbunden
network-metered = { $way } (begrenztes Datenvolumen)
network-good = { $way }: gut genug für eine Sitzung.
network-not-asked = { $way }; der Supportdienst wurde noch nicht gefragt.
network-N1 = Kein Netz. Stecken Sie ein Netzwerkkabel ein (am besten) oder wählen Sie in den Einstellungen ein WLAN.
network-N2 = Das Netz gibt diesem Gerät keine Adresse. Warten Sie eine halbe Minute; wenn sich nichts ändert, ziehen Sie das Kabel und stecken es wieder ein, oder wählen Sie in den Einstellungen ein anderes WLAN.
network-N3 = Dieses Netz verlangt zuerst eine Anmeldung. Öffnen Sie den Browser an diesem Gerät und melden Sie sich an.
network-N4 = Mit dem Netz verbunden, aber nicht mit dem Internet. Fragen Sie, wer das Netz betreut, oder versuchen Sie den Hotspot eines Telefons.
network-N5 = Der Proxy dieses Netzes lehnt die Verbindung ab oder antwortet nicht. Fragen Sie, wer das Netz betreut, oder versuchen Sie den Hotspot eines Telefons.
network-N6 = Der Supportdienst ist nicht erreichbar. Sagen Sie es Ihrem Support, oder versuchen Sie den Hotspot eines Telefons.
network-N7 = Die Uhr dieses Geräts geht falsch (sie zeigt { $clock }), darum gelingt die sichere Verbindung nicht. Stellen Sie Datum und Uhrzeit in den Einstellungen, oder versuchen Sie den Hotspot eines Telefons.
network-N8 = Dieses Netz lässt die sichere Verbindung nicht unverändert durch. Nehmen Sie ein anderes Netz, oder versuchen Sie den Hotspot eines Telefons.
network-N9 = Das WLAN ist zu schwach ({ $percent } %). Gehen Sie näher heran, stecken Sie ein Netzwerkkabel ein, oder versuchen Sie den Hotspot eines Telefons.
network-N10 = Verbunden, aber langsam oder instabil ({ $figures }). Nehmen Sie ein Netzwerkkabel, oder versuchen Sie den Hotspot eines Telefons.
network-N10-hotspot = Verbunden, aber langsam oder instabil ({ $figures }). Nehmen Sie ein Netzwerkkabel, oder versuchen Sie den Hotspot eines anderen Telefons.
network-N11 = Der Supportdienst kann sich nicht ausweisen: Dort ist etwas falsch eingerichtet, nicht bei Ihnen. Ein anderes Netz hilft nicht. Sagen Sie es Ihrem Support.
network-N12 = Ob die Verbindung sicher ist, lässt sich nicht prüfen. Versuchen Sie den Hotspot eines Telefons: Wenn es damit geht, stört das Netz hier. Wenn nicht, sagen Sie es Ihrem Support.
network-N13 = Der Supportdienst läuft gerade nicht. Versuchen Sie es in einigen Minuten wieder. Wenn sich nichts ändert, sagen Sie es Ihrem Support.
network-N14 = Etwas anderes antwortet anstelle des Supportdienstes. Sagen Sie es Ihrem Support, oder versuchen Sie den Hotspot eines Telefons.
figures-none = nicht gemessen
figures-no-answer = rechtzeitig keine Antwort
figures-cut = { $milliseconds } ms, dann abgebrochen
figures = { $milliseconds } ms, { $rate } Mbit/s
figures-below = { $milliseconds } ms, weniger als { $rate } Mbit/s

## Die Anzeige

panel-off = Der Fernzugriff ist aus. Die Eingabetaste schaltet ihn wieder ein.
panel-on = Der Fernzugriff ist an
panel-letting-in = { $engineer } wird eingelassen …
panel-interrupted = Die Verbindung zu { $engineer } ist unterbrochen. { $what }
panel-connected = { $visitor } ist verbunden, höchstens noch { $time }.
panel-how-to-end-session = Mit „ende“ und der Eingabetaste beenden Sie die Sitzung; alles andere wird dem Techniker geschickt.
panel-how-to-switch-off = Mit „ende“ und der Eingabetaste schalten Sie ihn aus.
panel-started-again = Das Programm des Technikers wurde neu gestartet. Die Sitzung geht weiter.
panel-restarting = Dieses Gerät startet jetzt neu. Die Sitzung geht danach weiter, wenn Sie noch einmal zustimmen.
panel-power-off = Sie können den Strom jetzt abschalten. Wenn dieses Gerät wieder da ist, fragt es Sie, ob die Sitzung weitergeht. Tippen Sie "ende" und drücken Sie die Eingabetaste, wenn sie es nicht soll.
panel-returning = Es wird gewartet, dass { $engineer } zurückkommt. Sie müssen nichts tun.
panel-back = Die Verbindung ist wieder da.
label-support-id = Support-ID
label-pin = PIN
label-network = Netz
label-state = Zustand
label-wrong-pins = Falsche PIN
state-ready = bereit, wartet auf den Techniker
state-connecting = verbindet sich mit dem Supportdienst
state-problem = nicht verbunden, neuer Versuch läuft ({ $problem })
wrong-tries = { $tries } von 3; nach der dritten geht der Fernzugriff aus
away-us = Dieses Gerät versucht, den Supportdienst wieder zu erreichen. Dauert das lange, prüfen Sie das Kabel oder das WLAN.
away-them = Die Seite des Technikers ist gerade weg. Es ist nichts zu tun.
hint-off = Drücken Sie nur die Eingabetaste, um den Fernzugriff wieder einzuschalten.
hint-session = Tippen Sie eine Nachricht für den Techniker, oder „ende“, um die Sitzung zu beenden, und drücken Sie die Eingabetaste.
hint-waiting = Jetzt ist nichts zu tippen. Der Techniker braucht die Support-ID und die PIN.
hint-end = Mit „ende“ und der Eingabetaste schalten Sie den Fernzugriff aus.

## Das Programm fieldlink

window-shows = Dieses Fenster zeigt den Fernzugriff. Es zu schließen schaltet ihn nicht aus.
window-left = Der Fernzugriff bleibt an. „fieldlink stop“ schaltet ihn aus, „fieldlink start“ zeigt ihn wieder.
window-press-enter = Drücken Sie die Eingabetaste, um dieses Fenster zu schließen.
did-not-work = Das ging nicht: { $why }.
service-stopped-waiting = Der Fernzugriffsdienst ist beendet. Es wird gewartet, bis er wiederkommt.
service-stopped = Der Fernzugriffsdienst ist beendet.
service-back = Der Fernzugriffsdienst ist wieder da.
credentials-not-shown = Support-ID und PIN können nicht gezeigt werden: { $why }.
done-stop = Der Fernzugriff ist aus.
done-end = Die Sitzung ist beendet. Der Fernzugriff ist aus.
done-agreed = Sie haben zugestimmt.
done-agreed-to = Sie haben zugestimmt: { $question }
done-refused = Sie haben abgelehnt.
done-refused-to = Sie haben abgelehnt: { $question }
done-extended = Der Techniker hat mehr Zeit.
done-extended-until = Der Techniker hat mehr Zeit: Die Sitzung endet in { $time }.
done-sent = An den Techniker geschickt.
done-sent-later = An den Techniker geschickt, der es liest, sobald die Verbindung wieder steht.
done-answered = Beantwortet.
done-removed = { $name } ist nicht mehr in dieser Sitzung. Was gestartet wurde, kann weiterlaufen, bis die Sitzung endet.
person-working = { $who } arbeitet ebenfalls an diesem Gerät
person-working-away = { $who } arbeitet ebenfalls an diesem Gerät (gerade nicht erreichbar)
person-observing = { $who } schaut zu
person-observing-away = { $who } schaut zu (gerade nicht erreichbar)
person-watching = { $who } schaut zu
person-watching-away = { $who } darf zuschauen (gerade nicht verbunden)
person-watching-invited = { $who } darf zuschauen (noch nicht da)
person-of-company = { $name } ({ $company })
panel-people = { $person }. Beenden: fieldlink remove "{ $name }"
done-here = Der Techniker weiß, dass Sie da sind.
label-remote-access = Fernzugriff
label-engineer = Techniker
label-ticket = Ticket
label-people = Auch dabei
label-partner = Partner
label-time-left = Restzeit
label-data-used = Daten
data-used = { $amount } MB
data-used-metered = { $amount } MB; diese Internetverbindung kostet vielleicht nach Datenmenge
battery-low = Akku: { $percent } %
label-question = Frage
phase-off = aus
phase-connecting = an, verbindet sich mit dem Supportdienst
phase-problem = an, nicht verbunden, neuer Versuch läuft ({ $problem })
phase-ready = an, wartet auf den Techniker
phase-asking = an, ein Techniker möchte hinein
phase-admitting = an, der Techniker wird eingelassen
phase-active = an, ein Techniker ist verbunden
phase-restarting = startet neu; die Sitzung geht danach weiter
phase-power-off = der Strom kann abgeschaltet werden; die Sitzung geht danach weiter
phase-returning = an, wartet nach dem Neustart, dass der Support zurückkommt
phase-interrupted = an, unterbrochen. { $what }
answer-with-allow = Antwort: fieldlink allow, oder fieldlink refuse
answer-with-done = antworten mit: fieldlink done oder fieldlink refuse
answer-with-text = Antwort: fieldlink answer TEXT
answer-with-number = Antwort: fieldlink answer ZAHL
label-session = Sitzung
label-began = Beginn (UTC)
label-size = Größe
records-none = Auf diesem Gerät gibt es keine Aufzeichnung einer Sitzung.
record-over = vollständig
record-open = noch nicht vorbei
done-report = Der Bericht steht in { $path }.
done-exported = Die Aufzeichnung liegt in { $path }. So prüft man sie auf jedem Rechner: fieldlink verify { $path }
record-of = der Sitzung von { $began } mit { $engineer }, Ticket { $ticket }
ask-delete-record = Damit wird die Aufzeichnung { $record } gelöscht, und niemand kann sie zurückholen. Dass es sie gab, bleibt vermerkt. Löschen? Tippen Sie ja oder nein und drücken Sie Enter:{" "}
ask-forget-all = { $count ->
    [0] Auf diesem Gerät gibt es keine Aufzeichnung einer Sitzung. Gelöscht wird, was ein früherer Kunde sonst hinterlassen hat.
    [1] Damit werden die Aufzeichnung einer Sitzung und alles gelöscht, was ein früherer Kunde sonst hinterlassen hat, und niemand kann sie zurückholen.
   *[other] Damit werden die Aufzeichnungen von { $count } Sitzungen und alles gelöscht, was ein früherer Kunde sonst hinterlassen hat, und niemand kann sie zurückholen.
  } Dass es Aufzeichnungen gab, bleibt vermerkt. Löschen? Tippen Sie ja oder nein und drücken Sie Enter:{" "}
done-record-deleted = Die Aufzeichnung ist gelöscht.
done-forgotten = Gelöscht ist, was Sitzungen auf diesem Gerät hinterlassen haben.
done-kept = Es wurde nichts gelöscht.
diagnosis-collecting = Diagnosedaten werden gesammelt …
diagnosis-saving = Diagnosedaten werden gespeichert …
done-diagnosis = Die Diagnosedaten sind in { $path }. Schicken Sie diese Datei Ihrem Ansprechpartner. Passwörter und Schlüssel, die zu erkennen waren, sind nicht darin; contents.txt darin führt auf, was darin ist.
done-diagnosis-usb = Die Diagnosedaten sind auf dem USB-Stick: { $path }. Sie können den Stick jetzt herausziehen. Passwörter und Schlüssel, die zu erkennen waren, sind nicht in der Datei.
receipt-photograph = Fotografieren Sie das. Damit zeigt sich später, dass an der Aufzeichnung dieser Sitzung seither nichts verändert wurde.
receipt-session = Sitzung { $session }, bis zu { $head }
receipt-anchored = Der Supportdienst hat diese Aufzeichnung bis zu ihrem Ende unterschrieben.
receipt-anchored-before = Der Supportdienst hat diese Aufzeichnung unterschrieben, ihre letzten Zeilen aber nicht.
receipt-not-anchored = Der Supportdienst hat nichts von dieser Aufzeichnung unterschrieben.

## Was die Prüfung einer Aufzeichnung ergibt (fieldlink verify)

verify-whole = Nichts ist falsch: In dieser Aufzeichnung wurde nichts verändert, weggenommen oder ergänzt, seit sie abgeschlossen wurde.
verify-session = Es ist die Aufzeichnung der Sitzung { $session } auf dem Gerät { $device }.
verify-key-known = Unterschrieben ist sie mit dem Schlüssel des Geräts, den Sie genannt haben: { $key }
verify-key-told = Unterschrieben ist sie mit dem Schlüssel { $key }, den die Aufzeichnung selbst nennt. Um sicher zu sein, dass es der des Geräts ist, nennen Sie dessen Schlüssel (--device-key).
verify-closed-late = Das Gerät hatte während der Sitzung keinen Strom mehr oder ist ausgefallen. Es hat die Aufzeichnung beim nächsten Start abgeschlossen; die letzten Sekunden können fehlen.
verify-engineer = { $engineer } hat den eigenen Namen nachgewiesen. Die Stelle, die für den Namen einsteht, hat den Schlüssel { $authority }.
verify-no-engineer = Kein Techniker hat den eigenen Namen nachgewiesen: Die Namen sind das Wort des Supportdienstes.
verify-anchors-none = Der Supportdienst hat nichts von dieser Aufzeichnung unterschrieben: Nur das Gerät steht für sie ein.
verify-anchors-unchecked = Es gibt Unterschriften des Supportdienstes, und hier ist nicht bekannt, ob sie echt sind: Nennen Sie seinen Schlüssel (--anchor-key). Bis dahin bürgt nur das Gerät für die Aufzeichnung.
verify-anchors-whole = Der Supportdienst hat diese Aufzeichnung am { $time } bis zu ihrem Ende unterschrieben.
verify-anchors-part = Der Supportdienst hat diese Aufzeichnung am { $time } bis zum Ereignis { $event } von { $events } unterschrieben. Für alles danach steht nur das Gerät ein.
verify-anchor-keys-told = Der Schlüssel des Supportdienstes ist der, den die Aufzeichnung selbst nennt. Um sicher zu sein, dass es der richtige ist, nennen Sie ihn (--anchor-key).
verify-receipt-whole = Der Beleg stimmt: Alles ist so, wie es war, als er entstand.
verify-receipt-part = Der Beleg stimmt: Die ersten { $covered } von { $events } Ereignissen sind so, wie sie waren, als er entstand. Die übrigen kamen später dazu.
verify-time-stamp = Es gibt auch einen Zeitstempel, den dieses Programm nicht prüft.
problem-not-closed = Die Aufzeichnung ist nicht vollständig: Die Sitzung ist nicht vorbei, oder das Gerät ist ausgefallen und wurde seither nicht gestartet.
problem-unreadable = { $file } lässt sich nicht lesen.
problem-missing = { $file } fehlt.
problem-changed = { $file } wurde verändert.
problem-extra = { $file } wurde später dazugelegt.
problem-list = Die Liste der Dateien der Aufzeichnung wurde verändert.
problem-signature = Die Unterschrift ist nicht die mit dem Schlüssel des Geräts.
problem-other-device = Ein anderes Gerät hat die Aufzeichnung unterschrieben.
problem-account = Was die Aufzeichnung erzählt, wurde verändert, oder ihr Ende wurde abgeschnitten.
problem-engineer = Der Nachweis des Namens eines Technikers stimmt nicht.
problem-anchor = Was der Supportdienst unterschrieben haben soll, stimmt nicht oder ist von einer anderen Sitzung.
problem-rewritten = Die Aufzeichnung wurde verändert, nachdem der Supportdienst sie am { $time } unterschrieben hatte.
problem-cut = Das Ende der Aufzeichnung wurde abgeschnitten, nachdem der Supportdienst sie am { $time } unterschrieben hatte.
problem-receipt = Der Beleg ist von etwas anderem: Die Aufzeichnung wurde verändert, oder die Wörter sind die einer anderen Sitzung.

## Warum ein Befehl nicht ging

failed-verify = diese Aufzeichnung ist nicht so, wie sie geschrieben wurde. { $what } Im Einzelnen: { $detail }
failed-receipt-words = die Wörter des Belegs lassen sich nicht verwenden: { $detail }
failed-key-file = in { $path } steht kein öffentlicher Schlüssel: { $detail }
failed-read = { $path } ließ sich nicht lesen: { $detail }
failed-write = { $path } ließ sich nicht schreiben: { $detail }
failed-export-target = { $path } gibt es schon, und es ist nicht leer: wählen Sie ein anderes Verzeichnis
failed-several-records = mehrere Sitzungen beginnen mit { $session }: geben Sie mehr von der ID an
failed-nobody-to-ask = hier ist niemand, der gefragt werden kann: setzen Sie --yes dazu, wenn Sie sicher sind

failed-not-connected = noch nicht mit dem Supportdienst verbunden ({ $problem }); der Fernzugriff bleibt an, versucht es weiter und hat dann eine ID und eine PIN (fieldlink credentials)
failed-no-answer-yet = noch keine Antwort
failed-nothing-asked = es wird gerade nichts gefragt
failed-nobody = unter diesem Namen ist niemand dazugekommen und schaut niemand zu: Die Namen stehen im Status (Code nobody)
failed-no-verdict = es wird gerade nach keinem Urteil gefragt
failed-stale-question = diese Frage ist nicht mehr offen
failed-unfit-answer = das ist keine Antwort auf diese Frage
failed-no-engineer = kein Techniker ist verbunden
failed-yes-or-no = diese Frage verlangt ein Ja oder Nein: fieldlink allow, oder fieldlink refuse
failed-no-choice = diese Antwort gibt es nicht; zur Wahl stehen: { $choices }
failed-already-on = der Fernzugriff ist schon an
failed-already-off = der Fernzugriff ist schon aus
failed-longest = länger kann die Sitzung nicht dauern: zwei Stunden sind das Höchste
failed-not-taken = der Techniker ist nicht erreichbar, und zu vieles wartet schon: versuchen Sie es wieder, wenn die Verbindung steht
failed-no-chat = das Programm des Technikers ist zu alt für Nachrichten
failed-stopping = der Fernzugriff wird gerade beendet
failed-off = der Fernzugriff ist aus: schalten Sie ihn zuerst ein (fieldlink start)
failed-no-credentials-yet = Support-ID und PIN werden gezeigt, sobald der Supportdienst erreicht ist
failed-credentials-used = Support-ID und PIN sind verbraucht: ein Techniker hat sich damit verbunden
failed-no-record = von dieser Sitzung gibt es keine Aufzeichnung: fieldlink records zeigt, welche es gibt
failed-not-recorded = auf diesem Gerät werden Sitzungen nicht aufgezeichnet
failed-record-open = diese Sitzung ist noch nicht vorbei: danach lässt sich ihre Aufzeichnung löschen
failed-not-off = der Fernzugriff ist an: schalten Sie ihn zuerst aus (fieldlink stop)
failed-records = die Aufzeichnung ließ sich nicht lesen oder löschen: vielleicht ist der Datenträger dieses Geräts beschädigt. Sagen Sie es Ihrem Support
failed-health-busy = der Zustand dieses Geräts wird schon gelesen: versuchen Sie es gleich wieder
failed-no-diagnosis = auf diesem Gerät können keine Diagnosedaten gesammelt werden (Code no-diagnosis)
failed-diagnosis-busy = es werden schon Diagnosedaten gesammelt: versuchen Sie es in einer Minute noch einmal. Bleibt es so, sagen Sie es Ihrem Ansprechpartner (Code diagnosis-busy)
failed-diagnosis = die Diagnosedaten konnten nicht gespeichert werden: { $detail }. Versuchen Sie es noch einmal
failed-no-stick = es steckt kein USB-Stick: stecken Sie einen ein, warten Sie einen Moment, und versuchen Sie es noch einmal (Code no-stick)
failed-several-sticks = es stecken mehrere USB-Sticks: lassen Sie einen stecken, und versuchen Sie es noch einmal ({ $sticks })
failed-full = in { $path } ist nicht genug Platz: { $size } werden gebraucht. Schaffen Sie Platz, oder nehmen Sie einen anderen USB-Stick
failed-read-only = in { $path } kann nichts geschrieben werden: es ist schreibgeschützt. Nehmen Sie einen anderen USB-Stick
failed-no-room = in { $path } ist kein Platz: schaffen Sie Platz, oder nehmen Sie einen anderen USB-Stick
failed-not-writable = in { $path } darf nichts geschrieben werden: nehmen Sie einen anderen USB-Stick, oder nennen Sie einen Ordner von Ihnen
failed-pulled-out = { $path } ist nicht mehr da: wurde der USB-Stick herausgezogen? Stecken Sie ihn wieder ein, und versuchen Sie es noch einmal
failed-diagnosis-stopped = das Sammeln der Diagnosedaten ist unterwegs stehen geblieben: versuchen Sie es noch einmal. Geschieht es wieder, sagen Sie es Ihrem Ansprechpartner (Code diagnosis-stopped)
failed-stick-not-open = es steckt ein USB-Stick, aber er ist nicht geöffnet: wählen Sie ihn in der Dateiverwaltung aus, und versuchen Sie es noch einmal (Code stick-not-open)
failed-report-busy = es wird gerade ein anderer Bericht gemacht: versuchen Sie es gleich wieder
failed-network-busy = das Netz wird schon geprüft: versuchen Sie es gleich wieder
failed-too-many-watch = es sehen schon zu viele Programme zu: schließen Sie eines davon
failed-network-slow = die Prüfung des Netzes dauerte zu lange
failed-engineer = der Techniker kann das nicht tun: es ist der Person am Gerät vorbehalten
failed-not-active = das kann nur, wer am Gerät angemeldet ist
failed-too-many = zu viele Programme auf diesem Gerät fragen zugleich: versuchen Sie es gleich wieder
failed-unanswerable = ein Aufruf, der keine Antwort will, wird nicht ausgeführt
failed-unknown-sender = es ließ sich nicht feststellen, wer fragt
failed-too-long = das ist zu lang
failed-no-service = der Fernzugriffsdienst läuft nicht; starten Sie dieses Gerät neu, und wenn das nicht hilft, sagen Sie es Ihrem Support (Code no-service)
failed-silent-service = der Fernzugriffsdienst antwortet nicht
failed-no-bus = der Systembus ist weg
failed-silent-bus = der Systembus antwortet nicht
failed-bus-forbids = der Systembus erlaubt das nicht: { $detail }
failed-bus = der Systembus konnte das nicht weitergeben: { $detail }
failed-unreachable = der Dienst ist nicht erreichbar: { $detail }
failed-other-version = der Dienst hat eine andere Version: starten Sie das Gerät neu
failed-strange-version = der Dienst nennt seine Version nicht
failed-strange-credentials = der Dienst gab keine brauchbare Support-ID und PIN
failed-otherwise = { $detail }
failed-print = konnte nicht ausgeben: { $detail }
failed-argument = das lässt sich nicht verwenden: prüfen Sie den Befehl
failed-question-id = die Frage { $question } lässt sich nicht verwenden: { $why }
failed-message = { $why }
failed-connect = keine Verbindung zum Systembus: { $detail }
failed-service-stopped = der Fernzugriffsdienst ist beendet

## Was der Desktop zeigt

inhibits = Ein Techniker ist verbunden

## Was die Terminals des Technikers zeigen (fieldlink watch)

view-title = { $count ->
    [one] Das Terminal des Technikers. q: nicht mehr zusehen
   *[other] Eines von { $count } Terminals des Technikers. n: nächstes, q: nicht mehr zusehen
  }
view-title-cut = { $count ->
    [one] Das Terminal des Technikers, ein Teil davon. q: nicht mehr zusehen
   *[other] Eines von { $count } Terminals des Technikers, ein Teil davon. n: nächstes, q: nicht mehr zusehen
  }
view-nothing-open = Der Techniker hat kein Terminal offen. q: nicht mehr zusehen
view-shell = ein Terminal
view-command = den Befehl { $what }
view-files = eine Dateiübertragung
view-forward = eine Verbindung zu { $what }
view-health = der Zustand dieses Geräts
view-diagnosis = Diagnosedaten dieses Geräts
view-operation = ein Vorgang dieses Geräts
view-something = etwas
view-of = { $who }: { $channel }
view-opened = Der Techniker hat geöffnet: { $what }.
view-closed = Beendet: { $what } ({ $how })
view-exit = Exit-Code { $code }
view-signal = durch das Signal { $signal }
view-ended = geschlossen
view-failed = ließ sich nicht starten
view-was-cut = abgebrochen
view-unfollowed = läuft vielleicht weiter und wird nicht mehr gezeigt
view-skipped = { $kilobytes } kB fehlen hier: Sie kamen vorher oder zu schnell.
view-session-over = Die Sitzung ist beendet.
view-left = Sie sehen nicht mehr zu; die Sitzung läuft weiter.
view-cut = die Verbindung zur Ansicht ist abgebrochen: fieldlink status zeigt den Stand

## Notifications of the desktop

desktop-title = Fernwartung

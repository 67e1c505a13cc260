import Events

/// What an event says, in SIP's terms: a request, a response, or what the proxy or the ledger concluded.
enum EventPhrase {
    static func text(_ view: borrowing EventView, in bytes: PaddedBytes) -> String {
        let reading = Reading(view: view.copied(), bytes: bytes)
        return ([statement(reading)] + reading.headers).joined(separator: "; ")
    }

    private static func statement(_ event: borrowing Reading) -> String {
        switch event.view.type {
        case .dialogTrying: return event.invite + event.parties
        case .dialogEarly: return "\(event.status) to the \(event.invite)\(event.tag)"
        case .dialogConfirmed: return "\(event.status) to the \(event.invite)\(event.tag)"
        case .dialogFailed: return "\(event.status) to the \(event.invite), by the \(event.by)\(event.tag)"
        case .dialogAcked: return "ACK of the 2xx\(event.tag)"
        case .dialogAlive: return "a ping in the dialog was answered\(event.byWhom)\(event.tag)"
        case .dialogTerminated:
            return (event.view.by == .admin ? "BYE by hand" : "BYE by the \(event.by)") + event.tag
        case .refreshRequested: return event.request + event.tag
        case .refreshAccepted: return "\(event.status) to the \(event.request)\(event.tag)"
        case .refreshFailed: return "\(event.status) to the \(event.request)\(event.tag)"
        case .timeoutEarly: return "the proxy gave the INVITE up without a final response"
        case .timeoutSession: return "the session interval ran out at the proxy\(event.tag)\(event.bye)"
        case .timeoutLifetime: return "the proxy's dialog lifetime ran out\(event.tag)\(event.bye)"
        case .timeoutNoAck: return "no ACK came after the 2xx\(event.tag)\(event.bye)"
        case .timeoutPing: return "pings in the dialog went unanswered\(event.tag)\(event.bye)"
        case .timeoutMedia: return "the media relay saw no media\(event.tag)\(event.bye)"
        default: return ownStatement(event)
        }
    }

    /// What a source says of itself, and the ledger of its log.
    private static func ownStatement(_ event: borrowing Reading) -> String {
        switch event.view.type {
        case .sourceStarted: return "the source begins an epoch"
        case .sourceHeartbeat: return "the source lives"
        case .sourceStopped: return "the source ends in good order"
        case .ledgerTick: return "the ledger's clock"
        case .ledgerExpired:
            let deadline = event.view.number(.deadline).map { CalendarTime.text($0) } ?? ""
            return
                "the ledger presumes the end: nobody had stated one by the deadline of \(deadline) and the "
                + "grace period\(event.tag)"
        case .ledgerGap:
            return
                "numbers \(event.number(.fromSeq)) to \(event.number(.toSeq)) of \(event.text(.gapSource)) did "
                + "not come"
        case .ledgerRejected:
            return "the event with number \(event.number(.ofSeq)) of \(event.text(.ofSource)) was rejected"
        case .ledgerPolicy: return "another billing policy comes into force"
        default: return "an event of a type that this program does not know"
        }
    }

    /// The fields of one event as phrases.
    private struct Reading: ~Copyable {
        let view: EventView
        let bytes: PaddedBytes

        func text(_ field: Field) -> String {
            view.text(field).map { JSONText.string($0, in: bytes) } ?? ""
        }

        func number(_ field: Field) -> String { view.number(field).map { String($0) } ?? "" }

        var cseq: String { view.has(.cseq) ? " (CSeq \(number(.cseq)))" : "" }
        var invite: String { "INVITE" + cseq }
        var by: String { view.by?.name ?? "nobody" }
        var byWhom: String { view.by.map { " by the \($0.name)" } ?? "" }
        var tag: String { view.has(.toTag) ? ", To tag \(text(.toTag))" : "" }
        var bye: String {
            switch view.flag(.byeSent) {
            case true: ", and it sent a BYE"
            case false: ", and it sent no BYE"
            default: ""
            }
        }

        var status: String {
            let code = view.has(.sipCode) ? number(.sipCode) : "2xx"
            return view.has(.sipReason) ? "\(code) \(text(.sipReason))" : code
        }

        /// A request within the dialog.
        var request: String {
            let method = text(.method)
            let name = method == "INVITE" ? "re-INVITE" : method
            return "\(name)\(cseq) by the \(by)"
        }

        var parties: String {
            (view.has(.fromURI) ? " from \(text(.fromURI))" : "")
                + (view.has(.toURI) ? " to \(text(.toURI))" : "")
                + (view.has(.requestURI) ? ", Request-URI \(text(.requestURI))" : "")
                + (view.has(.sourceIP) ? ", received from \(text(.sourceIP))" : "")
        }

        /// Header fields, and beside each what the proxy sent on where it changed it.
        var headers: [String] {
            var parts: [String] = []
            if view.has(.userAgent) { parts.append("User-Agent: \(text(.userAgent))") }
            if view.has(.sessionExpires) || view.has(.refresher) {
                let refresher = view.refresher(.refresher).map { ";refresher=\($0.name)" } ?? ""
                parts.append("Session-Expires: \(number(.sessionExpires))\(refresher)")
            }
            if view.has(.minSE) { parts.append("Min-SE: \(number(.minSE))") }
            if view.flag(.supportedTimer) == true { parts.append("Supported: timer") }
            if view.flag(.requireTimer) == true { parts.append("Require: timer") }
            if let interval = view.number(.forwardedSessionExpires) {
                parts.append(
                    "sent on \(interval == 0 ? "without" : "with") Session-Expires" + shown(interval))
            }
            if let refresher = view.refresher(.forwardedRefresher) {
                parts.append("sent on with refresher=\(refresher.name)")
            }
            if let minimum = view.number(.forwardedMinSE) {
                parts.append("sent on \(minimum == 0 ? "without" : "with") Min-SE" + shown(minimum))
            }
            if view.has(.lifetime) { parts.append("dialog lifetime \(number(.lifetime)) s") }
            if view.has(.reason) { parts.append("Reason: \(text(.reason))") }
            if view.has(.extra) { parts.append("extra \(text(.extra))") }
            return parts
        }

        private func shown(_ number: Int64) -> String { number == 0 ? "" : ": \(number)" }
    }
}

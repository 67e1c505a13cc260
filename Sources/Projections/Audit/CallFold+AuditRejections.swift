internal import Events

/// Session Interval Too Small (RFC 4028 sections 6 and 7.3): what was refused with 422, and what came after.
extension CallFold {
    func auditRejections(_ findings: inout [Finding]) {
        var retries: [Int] = []
        for index in facts.indices where facts[index].isRejection {
            let fact = facts[index]
            if fact.minSE < 0 {
                findings.append(finding(.rejectionWithoutMinSE, fact.tag, citing: [index]))
            } else if let retry = retry(of: fact), !retries.contains(retry) {
                retries.append(retry)
            }
            if fact.type == .dialogFailed { auditLoop(fact, at: index, &findings) }
        }
        for retry in retries {
            auditRetry(retry, &findings)
        }
    }

    /// The earliest request after a refused one: the least higher CSeq of the same sender.
    private func retry(of refused: Fact) -> Int? {
        var best: Int?
        for index in facts.indices where !facts[index].isRepeat && facts[index].cseq > refused.cseq {
            guard facts[index].isRequest(like: refused) else { continue }
            if let best, facts[best].cseq <= facts[index].cseq { continue }
            best = index
        }
        return best
    }

    private func auditRetry(_ index: Int, _ findings: inout [Finding]) {
        let retry = facts[index]
        guard retry.sessionExpires >= 0 else { return }
        var rejections: [Int] = []
        var floor: Int64 = 0
        for (earlier, fact) in facts.enumerated()
        where fact.isRejection && fact.cseq < retry.cseq && retry.isRequest(like: fact) {
            rejections.append(earlier)
            floor = max(floor, fact.minSE)
        }
        guard retry.sessionExpires < floor || retry.minSE < floor || retry.minSE < 0 else { return }
        findings.append(
            finding(
                .retryIgnoresMinSE, retry.tag, citing: rejections + [index],
                Detail([
                    "required": floor, "session_expires": retry.sessionExpires,
                    "min_se": retry.minSE >= 0 ? retry.minSE : nil,
                ])))
    }

    private func auditLoop(_ rejection: Fact, at index: Int, _ findings: inout [Finding]) {
        var earlier: [Int] = []
        var floor: Int64 = 0
        for (other, fact) in facts.enumerated()
        where fact.isRejection && fact.type == .dialogFailed && fact.cseq < rejection.cseq {
            earlier.append(other)
            floor = max(floor, fact.minSE)
        }
        guard !earlier.isEmpty, max(rejection.minSE, 0) <= floor else { return }
        guard let trying = trying(ofAttempt: rejection.cseq), facts[trying].sessionExpires >= 0,
            facts[trying].sessionExpires >= floor
        else { return }
        findings.append(
            finding(
                .rejectionLoop, rejection.tag, citing: earlier + [index],
                Detail([
                    "required": floor, "min_se": max(rejection.minSE, 0),
                    "session_expires": facts[trying].sessionExpires,
                ])))
    }
}

extension Fact {
    /// A 422 that stands for its occurrence.
    var isRejection: Bool {
        !isRepeat && sipCode == 422 && (type == .dialogFailed || type == .refreshFailed)
    }

    /// Whether this is a request of the kind that was refused: an INVITE of the call, or a refresh of the
    /// same leg by the same side.
    func isRequest(like refused: Fact) -> Bool {
        refused.type == .dialogFailed
            ? type == .dialogTrying
            : type == .refreshRequested && tag == refused.tag && hasSide(of: refused)
    }
}

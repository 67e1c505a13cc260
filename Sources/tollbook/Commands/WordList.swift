import ArgumentParser

/// A set of words of which an option takes some.
protocol KnownWords {
    static var all: [String] { get }
}

/// Words on the command line, separated by commas, each of which must be known: a misspelt one would answer
/// “nothing” where there is something.
struct WordList<Known: KnownWords>: ExpressibleByArgument {
    let words: [String]

    init?(argument: String) {
        words = argument.split(separator: ",").map(String.init)
        guard !words.isEmpty, words.allSatisfy(Known.all.contains) else { return nil }
    }

    static var allValueStrings: [String] { Known.all }
}

enum DispositionWord: KnownWords {
    static let all = [
        "answered", "busy", "cancelled", "no_answer", "redirected", "rejected", "not_found",
        "interval_too_small",
        "congestion", "failed", "unknown",
    ]
}

enum TerminationWord: KnownWords {
    static let all = [
        "caller_bye", "callee_bye", "proxy_bye", "admin_bye", "session_timeout", "lifetime_timeout", "no_ack",
        "ping_timeout", "media_timeout", "unterminated",
    ]
}

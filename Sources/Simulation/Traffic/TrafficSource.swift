import Events

/// A proxy, or a worker of it, as the generator keeps it: its life and its habits.
struct TrafficSource {
    let name: SourceName
    /// By how much its clock is off.
    let skew: Int64
    var epoch: Int64
    var sequence: Int64 = 0
    /// Counts its starts.
    var life: UInt32 = 0
    var isUp = true
    /// Dialogs that it holds.
    var active: Int = 0
    let habits: Habits

    struct Habits {
        /// Seconds that it holds a dialog without a session timer.
        var lifetime: UInt32
        /// Puts a Session-Expires where a party has left it away, and lowers long ones.
        var insertsTimer: Bool
        /// Ends dialogs whose session has expired.
        var watchesSession: Bool
        /// 0 for none.
        var pingSeconds: Int64
        var watchesMedia: Bool
        var sendsBye: Bool
        /// Its dialogs outlive a restart (a dialog database).
        var keepsDialogs: Bool
        /// Puts fields into its events that the vocabulary does not know.
        var statesWorker: Bool

        /// Proxies of one installation differ, but each keeps to its ways.
        init(of index: Int) {
            lifetime = [7_200, 43_200, 3_600, 7_200][index % 4]
            insertsTimer = index % 4 < 2
            watchesSession = index % 4 != 2
            pingSeconds = index % 4 == 2 ? 60 : 0
            watchesMedia = index % 4 == 3
            sendsBye = index % 2 == 0
            keepsDialogs = index % 3 != 1
            statesWorker = index % 4 == 1
        }
    }

    init(index: Int, epoch: Int64, skew: Int64) {
        let sites = ["fra", "ber", "muc", "ham", "vie"]
        let text = "edge-\(sites[index / 4 % sites.count])-\(index / 20 + 1)/w\(index % 4)"
        guard let name = SourceName(text) else { preconditionFailure("\(text) is no source name") }
        self.name = name
        self.epoch = epoch
        self.skew = skew
        habits = Habits(of: index)
    }
}

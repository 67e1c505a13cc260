import EventLog
import Events
import Ingest
import ReadModel
import Simulation

/// How long a service that has much takes to be back: from its start to the first acknowledgement.
struct RestartBench {
    let events: Int
    let dialogs: Int
    let runs: Int
    let directory: BenchDirectory

    static let figures = ["first_ack_ns", "listening_ns", "events", "open_dialogs"]

    func run(into report: BenchReport) throws {
        let data = directory.fresh("restart")
        var ended = Traffic(BenchTraffic.settings(calls: (events - 2 * dialogs) / 4, sources: 4))
        var made = try LogMaker.make(&ended, in: data).events
        var open = Traffic(LogMaker.open(calls: dialogs, start: IngestOptions.wallClock(), sources: 4))
        made += try LogMaker.make(&open, in: data).events
        // The first start makes the read model.
        let first = try LedgerUnderTest(data: data)
        try first.waitUntilProjected(events: Int64(made))
        let found = try first.read { try $0.count(.openCalls) }
        try first.stop()
        guard found == dialogs else {
            throw CommandFailure(.answerIsNo, "\(dialogs) dialogs were opened, and \(found) are open")
        }
        for run in 0..<runs {
            let begun = Stopwatch.now
            let ledger = try LedgerUnderTest(data: data)
            let listening = Stopwatch.now - begun
            let name = SourceEpoch(source: BenchSource.origin.source, epoch: Epoch(rawValue: Int64(run) + 1))
            var sender = try BatchSender(endpoint: ledger.service.endpoint, name)
            try sender.greet()
            let time = IngestOptions.wallClock().rawValue
            let heartbeat = Array("{\"type\":\"source.heartbeat\",\"time\":\(time)}\n".utf8)
            try sender.send(heartbeat.span, count: 1)
            while sender.acknowledged < sender.sent {
                try sender.takeAcknowledgements(waiting: BenchLimits.answerSeconds * 1_000)
            }
            let answered = Stopwatch.now - begun
            try ledger.stop()
            try report.add([answered, listening, Int64(made), Int64(found)])
        }
    }
}

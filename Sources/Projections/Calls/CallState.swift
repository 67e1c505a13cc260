package import Events

/// All that the ledger knows of a call, packed in one piece (see `FactEncoder`). A cache of the log, from
/// which it can be made anew.
package struct CallState: Sendable {
    package private(set) var bytes: [UInt8] = []

    /// A call of these bytes, as they were packed before.
    package init(restoring bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// Where Call-ID and From tag stand in the bytes.
    package var name: (callID: Range<Int>, fromTag: Range<Int>) {
        // Safety: read during the call only.
        unsafe bytes.withUnsafeBufferPointer { packed in
            var reader = unsafe PackedReader(packed)
            let callID = reader.text()
            return (callID.range, reader.text().range)
        }
    }

    /// Whether an event of this type could end a call or a leg: without any there can be no record.
    static func mayEnd(_ type: EventType) -> Bool {
        switch type {
        case .dialogFailed, .dialogTerminated, .timeoutEarly, .timeoutSession, .timeoutLifetime,
            .timeoutNoAck,
            .timeoutPing, .timeoutMedia, .ledgerExpired:
            true
        default: false
        }
    }
}

/// Packs a call's events into one piece, in the order of their positions.
package struct CallStateBuilder: ~Copyable {
    private var encoder = FactEncoder()
    private var bytes: [UInt8] = []
    private var baseTime: Int64 = 0
    private var basePosition: UInt64 = 0
    private var lastTag: [UInt8] = []

    package init() {}

    package mutating func append(
        _ view: borrowing EventView, in text: PaddedBytes, at position: Position, sourceEpoch: UInt32,
        seq: SequenceNumber
    ) {
        if bytes.isEmpty {
            encoder.encodeHead(view, in: text, at: position)
            // Safety: copied, here and below, before the encoder is used again.
            unsafe bytes.append(contentsOf: encoder.bytes)
            baseTime = view.time.rawValue
            basePosition = position.rawValue
        }
        var repeatsTag = false
        if let tag = view.text(.toTag) {
            var resolved: [UInt8] = []
            JSONText.append(tag, in: text, to: &resolved)
            // As the book of calls does it, so that both pack the same bytes.
            repeatsTag = !tag.isEscaped && resolved == lastTag
            lastTag = resolved
        }
        encoder.encode(
            view, in: text, at: position, sourceEpoch: sourceEpoch, seq: seq, baseTime: baseTime,
            basePosition: basePosition, repeatsTag: repeatsTag)
        unsafe bytes.append(contentsOf: encoder.bytes)
    }

    /// The call, or null where nothing was appended.
    package consuming func finish() -> CallState? {
        bytes.isEmpty ? nil : CallState(restoring: bytes)
    }
}

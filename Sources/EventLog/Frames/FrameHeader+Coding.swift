internal import CXXHash
internal import Events

extension FrameHeader {
    /// Writes all of the header but the checksum.
    ///
    /// - Parameter frame: `headerBytes` writable bytes.
    @unsafe
    func encode(to frame: UnsafeMutableRawPointer, headerBytes: Int) {
        func put<Number: FixedWidthInteger>(_ number: Number, at offset: Int) {
            // Safety: every offset below lies before `headerBytes`.
            unsafe frame.storeBytes(of: number.littleEndian, toByteOffset: offset, as: Number.self)
        }
        func put(_ name: SourceName, at offset: Int) {
            for word in stride(from: 0, to: Int(name.length), by: 8) {
                // Safety: as above; the bytes are put down in the order in which they lie in the name.
                unsafe frame.storeBytes(
                    of: name.word(at: word), toByteOffset: offset + word, as: UInt64.self)
            }
        }
        put(FrameLayout.magic, at: 0)
        put(UInt32(headerBytes + payloadBytes), at: 4)
        put(kind.rawValue, at: 16)
        put(UInt8(subject == nil ? 0 : 1) | (subject?.isConflict == true ? 2 : 0), at: 17)
        put(source.source.length, at: 18)
        put(subject?.source.source.length ?? 0, at: 19)
        put(UInt32(headerBytes), at: 20)
        put(position.rawValue, at: 24)
        put(UInt32(count), at: 32)
        put(UInt32(groupOffset), at: 36)
        put(source.epoch.rawValue, at: 40)
        put(firstSequence.rawValue, at: 48)
        put(receivedAt.rawValue, at: 56)
        put(source.source, at: 64)
        guard let subject else { return }
        let offset = 64 + FrameLayout.rounded(Int(source.source.length))
        put(subject.source.epoch.rawValue, at: offset)
        put(subject.first.rawValue, at: offset + 8)
        put(subject.last.rawValue, at: offset + 16)
        put(subject.source.source, at: offset + 24)
    }
}

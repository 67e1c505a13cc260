internal import Glibc

/// What a thread got of the processors, and what it had to wait for them, as the scheduler counts it.
///
/// For the thread that makes it only.
@safe
struct ProcessorWait: ~Copyable {
    // Safety: this object's own; -1 where the system doesn't count.
    private let descriptor: Int32
    private var before = Times()

    /// In nanoseconds.
    struct Times: Equatable {
        var ran: UInt64 = 0
        /// Ready to run, while others ran.
        var waited: UInt64 = 0
    }

    init() {
        // Safety: the path is lent for the length of the call.
        descriptor = unsafe open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC)
        before = read() ?? Times()
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    /// Times since the last call, or else since this was made; null where the system doesn't count them (a
    /// kernel without `CONFIG_SCHED_INFO`).
    mutating func next() -> Times? {
        guard let now = read() else { return nil }
        defer { before = now }
        // Nobody promises that they only grow.
        return Times(
            ran: now.ran - min(before.ran, now.ran), waited: now.waited - min(before.waited, now.waited))
    }

    /// See "schedstats" in the kernel's documentation: time run, time waited, number of slices.
    private func read() -> Times? {
        guard descriptor >= 0 else { return nil }
        let text = unsafe [UInt8](unsafeUninitializedCapacity: 96) { buffer, count in
            // Safety: writes no more than there is room for.
            count = unsafe max(0, pread(descriptor, buffer.baseAddress, buffer.count, 0))
        }
        let words = text.split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\n") }
        guard words.count >= 2, let ran = Self.number(words[0]), let waited = Self.number(words[1]) else {
            return nil
        }
        return Times(ran: ran, waited: waited)
    }

    private static func number(_ digits: ArraySlice<UInt8>) -> UInt64? {
        UInt64(String(decoding: digits, as: UTF8.self))
    }
}

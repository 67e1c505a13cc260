/// RFC 4648 section 4, with padding: how `ledger.rejected` keeps bytes.
enum Base64 {
    private static let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    static func append(_ bytes: borrowing Span<UInt8>, to target: inout JSONBuffer) {
        var offset = 0
        while offset < bytes.count {
            let count = min(3, bytes.count - offset)
            var word = UInt32(bytes[offset]) << 16
            if count > 1 { word |= UInt32(bytes[offset + 1]) << 8 }
            if count > 2 { word |= UInt32(bytes[offset + 2]) }
            for place in 0..<4 {
                target.append(
                    byte: place <= count
                        ? digits[Int(word >> UInt32(18 - 6 * place)) & 63] : UInt8(ascii: "="))
            }
            offset += 3
        }
    }

    /// Whether `text` is the base64 of `bytes`.
    static func encodes(_ text: [UInt8], _ bytes: borrowing Span<UInt8>) -> Bool {
        guard text.count == (bytes.count + 2) / 3 * 4 else { return false }
        var buffer = JSONBuffer()
        append(bytes, to: &buffer)
        return buffer.bytes == text
    }
}

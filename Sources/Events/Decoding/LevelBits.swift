/// A stack of bits that needs no memory of its own for the first 64.
struct LevelBits {
    private(set) var count = 0
    private var word: UInt64 = 0
    private var below: [UInt64] = []

    var top: Bool { word & 1 != 0 }

    mutating func push(_ bit: Bool) {
        if count > 0, count % 64 == 0 {
            below.append(word)
            word = 0
        }
        word = word << 1 | (bit ? 1 : 0)
        count += 1
    }

    mutating func pop() {
        count -= 1
        if count > 0, count % 64 == 0 {
            word = below.removeLast()
        } else {
            word >>= 1
        }
    }
}

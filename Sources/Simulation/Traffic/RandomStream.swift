/// A seeded stream of random numbers (xoshiro256++, seeded through SplitMix64).
///
/// The same seed gives the same numbers on every machine: the distributions below use nothing but IEEE 754
/// addition, multiplication and division, since the logarithm of a C library may differ in its last bit
/// from one processor to the next, and with it a golden hash.
package struct RandomStream: RandomNumberGenerator, Sendable {
    private var s0: UInt64
    private var s1: UInt64
    private var s2: UInt64
    private var s3: UInt64

    package init(seed: UInt64) {
        s0 = Self.mixed(seed &+ 0x9E37_79B9_7F4A_7C15)
        s1 = Self.mixed(seed &+ 0x3C6E_F372_FE94_F82A)
        s2 = Self.mixed(seed &+ 0xDAA6_6D2C_7DDF_743F)
        s3 = Self.mixed(seed &+ 0x78DD_E6E5_FD29_F054)
    }

    @inline(__always)
    package mutating func next() -> UInt64 {
        let sum = s0 &+ s3
        let result = (sum << 23 | sum >> 41) &+ s0
        let shifted = s1 << 17
        s2 ^= s0
        s3 ^= s1
        s1 ^= s2
        s0 ^= s3
        s2 ^= shifted
        s3 = s3 << 45 | s3 >> 19
        return result
    }

    /// SplitMix64's finisher: one well-mixed number for another.
    @inline(__always)
    static func mixed(_ value: UInt64) -> UInt64 {
        var z = value
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// A number from 0 up to, but not including, 1.
    @inline(__always)
    mutating func unit() -> Double {
        Double(next() >> 11) * 0x1p-53
    }

    @inline(__always)
    mutating func chance(_ probability: Double) -> Bool {
        unit() < probability
    }

    /// A number from 0 to `bound` − 1; the bias of the multiplication is below `bound` / 2^32.
    @inline(__always)
    mutating func below(_ bound: Int) -> Int {
        Int(((next() >> 32) &* UInt64(bound)) >> 32)
    }

    /// A number from `low` to `high`, evenly.
    @inline(__always)
    mutating func between(_ low: Int64, _ high: Int64) -> Int64 {
        low + Int64(unit() * Double(high - low + 1))
    }

    @inline(__always)
    mutating func exponential(mean: Double) -> Double {
        -mean * Self.logarithm(1 - unit())
    }

    mutating func logNormal(median: Double, sigma: Double) -> Double {
        median * Self.exponential(sigma * normal())
    }

    /// About normal with mean 0 and deviation 1: the number of ones among 64 bits, smoothed; never beyond
    /// ±8.1.
    @inline(__always)
    mutating func normal() -> Double {
        let ones = Double(next().nonzeroBitCount) - 32
        return (ones + unit() - 0.5) * 0.249_351_936_389_517_66
    }

    /// Natural logarithm for values above 0, to about 1e-13.
    @inline(__always)
    static func logarithm(_ value: Double) -> Double {
        var exponent = Double(value.exponent)
        var mantissa = value.significand
        if mantissa > 1.414_213_562_373_095 {
            mantissa *= 0.5
            exponent += 1
        }
        let z = (mantissa - 1) / (mantissa + 1)
        let q = z * z
        let low = q * (1.0 / 9 + q * (1.0 / 11 + q * (1.0 / 13)))
        let series = 1 + q * (1.0 / 3 + q * (1.0 / 5 + q * (1.0 / 7 + low)))
        return exponent * 0.693_147_180_559_945_3 + 2 * z * series
    }

    /// e to the power of `value`, for values between -700 and 700.
    @inline(__always)
    static func exponential(_ value: Double) -> Double {
        let power = (value * 1.442_695_040_888_963_4).rounded()
        let r = value - power * 0.693_147_180_559_945_3
        let high = 1.0 / 720 + r * (1.0 / 5040 + r * (1.0 / 40320 + r * (1.0 / 362_880)))
        let middle = 1.0 / 6 + r * (1.0 / 24 + r * (1.0 / 120 + r * high))
        let series = 1 + r * (1 + r * (0.5 + r * middle))
        return series * Double(bitPattern: UInt64(Int64(power) + 1023) << 52)
    }
}

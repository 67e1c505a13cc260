/// A kind of telephone, gateway or exchange, and how it treats session timers (RFC 4028).
///
/// Names are those of real products. The habits are invented, though each of them has been seen somewhere.
struct UserAgent: Sendable {
    /// As it stands in JSON, quotes and all but ASCII escaped.
    var name: StaticString
    /// How many of the subscribers use it, relative to the others.
    var weight: Int
    var identities: IdentityStyle
    var timer: Timer = .none
    /// Seconds that it asks for; 0 leaves the Session-Expires away.
    var interval: UInt32 = 0
    /// Min-SE of its requests; 0 leaves it away.
    var minimum: UInt32 = 0
    /// The refresher parameter of its requests.
    var asks: Statement.Refresher = .none
    var method: Statement.Method = .invite
    var pace: Pace = .half
    var answers: Answer = .properly
    /// As the callee it refuses shorter intervals with 422; 0 takes any.
    var accepts: UInt32 = 0
    var retries: Retry = .properly

    /// Whether `timer` stands in its Supported.
    enum Timer: UInt8 {
        case none, supported
    }

    /// When it refreshes a session of interval I.
    enum Pace: UInt8 {
        /// At I/2, as RFC 4028 (7.4) recommends.
        case half
        /// At 0.3 I.
        case early
        /// After I/2 + 10 s, before the other side may hang up.
        case late
        /// When the other side may hang up already.
        case critical
        /// After the session has expired.
        case overdue
        case never
        /// Leaves it to the other side, whose turn it is not.
        case otherSide
    }

    /// What it makes of the interval in its 2xx.
    enum Answer: UInt8 {
        case properly, raises, fallsBelowMinimum, omitsRefresher, overridesRefresher, omitsRequire, halves
    }

    /// What it does after a 422.
    enum Retry: UInt8 {
        case properly
        /// Asks for the same once more.
        case ignoresMinimum
        case givesUp
    }
}

/// How a user agent makes its Call-IDs and tags.
enum IdentityStyle: UInt8 {
    /// 32 hexadecimal digits and the host; tags `as` + 8 digits.
    case asterisk
    /// A UUID; tags of 13 letters and digits.
    case uuid
    /// Ten decimal digits and the host; tags of ten decimal digits.
    case decimal
    /// Ten letters and digits; tags of seven.
    case short
    /// Groups of hexadecimal digits and the host; tags of 16 hexadecimal digits.
    case grouped
    /// 16 hexadecimal digits and the host; tags of eight: all calls of the plain preset.
    case plain
}

extension UserAgent {
    /// The agents of the realistic preset; subscribers use them by weight.
    static let all: [UserAgent] = [
        UserAgent(
            name: "Asterisk PBX 20.5.2", weight: 150, identities: .asterisk, timer: .supported,
            interval: 1800,
            minimum: 90, asks: .uac, method: .update),
        UserAgent(
            name: "Asterisk PBX 16.28.0~dfsg-0+deb11u4", weight: 60, identities: .asterisk, timer: .supported,
            interval: 1800, minimum: 90, asks: .uas, method: .invite),
        UserAgent(
            name: "FreeSWITCH-mod_sofia/1.10.9-release+git~20230217T120027Z~f6a7f1ae80~64bit", weight: 100,
            identities: .uuid, timer: .supported, interval: 1800, minimum: 120, method: .invite, accepts: 90),
        UserAgent(
            name: "Yealink SIP-T46S 66.86.0.15", weight: 120, identities: .decimal, timer: .supported,
            interval: 1800,
            asks: .uac, method: .update),
        UserAgent(
            name: "Yealink SIP-T21P_E2 52.84.0.125", weight: 60, identities: .decimal, timer: .supported),
        UserAgent(
            name: "Grandstream GXP2170 1.0.11.48", weight: 70, identities: .decimal, timer: .supported,
            interval: 180,
            minimum: 90, asks: .uac, method: .invite),
        UserAgent(
            name: "snomD785/10.1.141.13", weight: 60, identities: .short, timer: .supported, interval: 3600,
            asks: .uas, method: .update, pace: .early),
        UserAgent(name: "PolycomVVX-VVX_411-UA/5.9.5.0614", weight: 60, identities: .grouped),
        UserAgent(
            name: "Cisco-CP8841/12.8.1", weight: 60, identities: .grouped, timer: .supported, interval: 1800,
            minimum: 1800, method: .update, accepts: 90),
        UserAgent(name: "LinphoneAndroid/5.2.1 (Pixel 7) LinphoneSDK/5.3.4", weight: 50, identities: .short),
        UserAgent(
            name: "MicroSIP/3.21.3", weight: 50, identities: .uuid, timer: .supported, interval: 1800,
            minimum: 90,
            method: .update),
        UserAgent(name: "Z 5.6.1 v2.10.19.5", weight: 30, identities: .short, timer: .supported),
        UserAgent(
            name: "AVM FRITZ!Box 7590 154.07.57 (Jul 27 2023)", weight: 90, identities: .short,
            timer: .supported,
            interval: 600, minimum: 90, asks: .uac, method: .update),
        UserAgent(
            name: "AudioCodes Mediant 800/v.7.20A.260.010", weight: 40, identities: .decimal,
            timer: .supported,
            interval: 300, minimum: 90, method: .update, accepts: 180),
        UserAgent(name: "3CXPhoneSystem 18.0.9.20 (20)", weight: 50, identities: .short),
        UserAgent(
            name: "Microsoft.PSTNHub.SIPProxy v.2023.9.11.5 i.EUWE.7", weight: 40, identities: .uuid,
            timer: .supported, interval: 3600, minimum: 120, asks: .uac, method: .invite, accepts: 120),
        UserAgent(
            name: "Gigaset N510 IP PRO/42.258.00.000.000;7480A4", weight: 25, identities: .decimal,
            timer: .supported, interval: 600, asks: .uac, method: .invite, pace: .late),
        UserAgent(
            name: "Cirpack/v4.76 (gw_sip)", weight: 15, identities: .decimal, timer: .supported,
            interval: 1200,
            asks: .uac, method: .update, pace: .otherSide, answers: .overridesRefresher),
        UserAgent(
            name: "Sipura/SPA3000-3.1.10(GWd)", weight: 15, identities: .grouped, timer: .supported,
            interval: 120,
            minimum: 120, method: .invite, pace: .critical, answers: .omitsRefresher,
            retries: .ignoresMinimum),
        UserAgent(
            name: "Patton SN4118 JS2 6.1 H323 SIP", weight: 10, identities: .grouped, timer: .supported,
            interval: 100, minimum: 90, asks: .uac, method: .update, pace: .never, answers: .raises),
        UserAgent(
            name: "T\\u00fcrsprechstelle 2N IP Verso/2.43 \\\"Tor\\\"", weight: 8, identities: .short,
            timer: .supported, interval: 60, minimum: 30, asks: .uac, method: .update, pace: .overdue,
            answers: .halves, retries: .ignoresMinimum),
        UserAgent(
            name: "Sangoma Vega50Europa/11.0S033", weight: 8, identities: .decimal, timer: .supported,
            interval: 240, minimum: 300, asks: .uac, method: .invite, pace: .overdue,
            answers: .fallsBelowMinimum,
            accepts: 600, retries: .givesUp),
        UserAgent(
            name: "Innovaphone IP3011/13r3 sr12 [13.5398]", weight: 15, identities: .grouped,
            timer: .supported,
            interval: 400, asks: .uac, method: .update, answers: .omitsRequire),
    ]

    /// What tries doors, and has no account behind it.
    static let scanner = UserAgent(name: "friendly-scanner", weight: 0, identities: .decimal)

    /// The one agent of the plain preset.
    static let plain = UserAgent(
        name: "Asterisk PBX 20.5.2", weight: 1, identities: .plain, timer: .supported, interval: 1800,
        minimum: 90,
        asks: .uac, method: .update)
}

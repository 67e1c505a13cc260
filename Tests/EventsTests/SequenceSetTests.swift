import Events
import Testing

@Suite("Sequence numbers")
struct SequenceSetTests {
    @Test("The set is a Set, whatever is added in whatever order", arguments: 0..<40)
    func equalsANaiveSet(_ seed: UInt64) {
        print("sequence set: seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        var set = SequenceSet()
        var naive: Set<Int64> = []
        let reach = Int64([50, 400, 3_000, 100_000][Int(seed % 4)])
        for _ in 0..<800 {
            let first = Int64.random(in: 1...reach, using: &generator)
            let last = seed % 3 == 0 ? first : first + Int64.random(in: 0...min(30, reach), using: &generator)
            let before = naive.count
            naive.formUnion(first...last)
            let added = set.insert(first...last)
            #expect(added == UInt64(naive.count - before))
        }
        #expect(set.count == UInt64(naive.count))
        #expect(set.last == naive.max())
        for run in set.runs {
            #expect(!naive.contains(run.first - 1) && !naive.contains(run.last + 1))
            #expect((run.first...run.last).allSatisfy(naive.contains))
        }
        #expect(set.runs.reduce(0) { $0 + Int($1.last - $1.first + 1) } == naive.count)
        for _ in 0..<300 {
            let number = Int64.random(in: 1...reach + 40, using: &generator)
            #expect(set.contains(number) == naive.contains(number))
            var missing = number
            while naive.contains(missing) { missing += 1 }
            #expect(set.firstMissing(from: number) == missing)
            #expect(set.firstPresent(from: number) == naive.filter { $0 >= number }.min())
            #expect(set.lastPresent(through: number) == naive.filter { $0 <= number }.max())
            let end = number + Int64.random(in: 0...200, using: &generator)
            #expect(set.count(in: number...end) == UInt64((number...end).count(where: naive.contains)))
        }
    }

    @Test("The greatest numbers don't overflow, and a huge range costs nothing")
    func extremes() {
        var set = SequenceSet()
        #expect(set.isEmpty && set.last == nil && set.firstMissing(from: 1) == 1 && !set.contains(1))
        var added = set.insert(.max...(.max))
        #expect(added == 1)
        #expect(set.firstMissing(from: .max) == nil && set.firstMissing(from: 7) == 7)
        added = set.insert(5...(.max))
        #expect(added == UInt64(Int64.max) - 5)
        #expect(set.runCount == 1 && set.contains(.max - 1) && !set.contains(4))
        added = set.insert(1...4)
        #expect(added == 4)
        #expect(set.runs == [SequenceSet.Run(1, .max)])
        #expect(set.count == UInt64(Int64.max))
        added = set.insert(1...(.max))
        #expect(added == 0)
    }

    @Test("Very many numbers in random order stay cheap, and end as one run")
    func veryMany() {
        var generator = SeededGenerator(seed: 1)
        var numbers = Array(1...200_000 as ClosedRange<Int64>)
        numbers.shuffle(using: &generator)
        var set = SequenceSet()
        var most = 0
        for (index, number) in numbers.enumerated() {
            let isNew = set.insert(number)
            if !isNew { Issue.record("\(number) is new") }
            if index % 20_000 == 0 { most = max(most, set.runCount) }
        }
        #expect(most <= 100_000)
        #expect(set.runs == [SequenceSet.Run(1, 200_000)])
    }

    @Test("How a set was filled doesn't show")
    func equality() {
        var rising = SequenceSet()
        var falling = SequenceSet()
        for number in 1...2_000 as ClosedRange<Int64> {
            rising.insert(number * 2)
            falling.insert(4_002 - number * 2)
        }
        #expect(rising == falling && rising.hashValue == falling.hashValue)
        rising.insert(1)
        #expect(rising != falling)
    }
}

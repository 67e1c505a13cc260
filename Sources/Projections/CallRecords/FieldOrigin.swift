package import Events

/// Where a field of a record comes from: the rule of `schemas/records.md` that gives it, and the events that
/// the rule takes it from.
package struct FieldOrigin: Sendable {
    /// The field's name, as in `CallRecord.columns`.
    package let field: String
    /// The rule as it applies to this record, in a sentence.
    package let rule: String
    /// In the order in which the rule speaks of them; of a difference the earlier time first. Empty where the
    /// rule takes nothing from any event.
    package let positions: [Position]
}

/// What decides about a record besides the events of its call.
package struct RecordCircumstances: Sendable {
    package let policy: BillingPolicy
    /// Where the log states the policy; null for the built-in one, and where one policy bills all calls.
    package let policyPosition: Position?
    /// Whether one policy bills all calls, whatever the log says.
    package let isPolicyFixed: Bool
    package let gaps: OpenGaps
    /// What changed the record since its first revision: positions of the log, oldest first.
    package let revisedBy: [Position]

    package init(
        policy: BillingPolicy, policyPosition: Position?, isPolicyFixed: Bool, gaps: OpenGaps,
        revisedBy: [Position]
    ) {
        self.policy = policy
        self.policyPosition = policyPosition
        self.isPolicyFixed = isPolicyFixed
        self.gaps = gaps
        self.revisedBy = revisedBy
    }
}

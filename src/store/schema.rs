//! The tables as Diesel's query builder knows them; `migrations/` is where they are made.

diesel::table! {
    idempotency_keys (publisher, key) {
        publisher -> Text,
        key -> Text,
        digest -> Binary,
        receipts -> Text,
        created_at -> BigInt,
    }
}

diesel::table! {
    inboxes (user_id) {
        user_id -> Text,
        epoch -> Text,
        last_offset -> BigInt,
        pruned_offset -> BigInt,
        acked_offset -> BigInt,
        unread -> BigInt,
        unseen -> BigInt,
        version -> BigInt,
        marks_version -> BigInt,
        changed_at -> BigInt,
        mutes -> BigInt,
        subscriptions -> BigInt,
        attended_offset -> BigInt,
    }
}

diesel::table! {
    mutes (user_id, pattern) {
        user_id -> Text,
        pattern -> Text,
        until -> Nullable<BigInt>,
        created_at -> BigInt,
    }
}

diesel::table! {
    notifications (user_id, offset) {
        user_id -> Text,
        offset -> BigInt,
        id -> Text,
        #[sql_name = "type"]
        type_ -> Text,
        v -> BigInt,
        key -> Nullable<Text>,
        created_at -> BigInt,
        seen_at -> Nullable<BigInt>,
        read_at -> Nullable<BigInt>,
        archived_at -> Nullable<BigInt>,
        expires_at -> Nullable<BigInt>,
        muted -> Bool,
        payload -> Text,
        push -> Nullable<Text>,
    }
}

diesel::table! {
    preferences (user_id) {
        user_id -> Text,
        quiet_zone -> Nullable<Text>,
        quiet_from -> Nullable<BigInt>,
        quiet_to -> Nullable<BigInt>,
        push -> Bool,
    }
}

diesel::table! {
    meta (name) {
        name -> Text,
        value -> Text,
    }
}

diesel::table! {
    revocations (kind, value) {
        kind -> Text,
        value -> Text,
        revoked_at -> BigInt,
    }
}

diesel::table! {
    tickets (digest) {
        digest -> Binary,
        user_id -> Text,
        claims -> Text,
        expires_at -> BigInt,
    }
}

diesel::table! {
    push_subscriptions (id) {
        id -> Text,
        user_id -> Text,
        endpoint -> Text,
        digest -> Binary,
        p256dh -> Text,
        auth -> Text,
        created_at -> BigInt,
        disabled_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    push_jobs (user_id, offset, subscription_id) {
        user_id -> Text,
        offset -> BigInt,
        subscription_id -> Text,
        urgency -> Text,
        due_at -> Nullable<BigInt>,
        is_held -> Bool,
        attempts -> BigInt,
        first_tried_at -> Nullable<BigInt>,
        state -> Text,
        status -> Nullable<BigInt>,
        reason -> Nullable<Text>,
        shown_tag -> Nullable<Text>,
        created_at -> BigInt,
        ended_at -> Nullable<BigInt>,
    }
}

diesel::allow_tables_to_appear_in_same_query!(inboxes, push_jobs);

diesel::table! {
    ledger_nodes (node) {
        node -> Text,
        lease_until -> BigInt,
        held_since -> BigInt,
        batch -> BigInt,
    }
}

diesel::table! {
    ledger_entries (kind, name, entry) {
        kind -> Text,
        name -> Text,
        entry -> Text,
        node -> Text,
        transport -> Nullable<Text>,
        since -> BigInt,
    }
}

diesel::table! {
    ledger_subjects (kind, name) {
        kind -> Text,
        name -> Text,
        arrivals -> BigInt,
        left_at -> Nullable<BigInt>,
        due_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    webhook_jobs (sequence) {
        sequence -> BigInt,
        id -> Text,
        #[sql_name = "type"]
        type_ -> Text,
        user_id -> Nullable<Text>,
        data -> Text,
        occurred_at -> BigInt,
        due_at -> Nullable<BigInt>,
        attempts -> BigInt,
        state -> Text,
        status -> Nullable<BigInt>,
        reason -> Nullable<Text>,
        ended_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    webhook_endpoints (digest) {
        digest -> Binary,
        failing_since -> Nullable<BigInt>,
        disabled_at -> Nullable<BigInt>,
        reason -> Nullable<Text>,
    }
}

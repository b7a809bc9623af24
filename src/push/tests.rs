//! A push as the store hands it out.

use crate::{
    domain::{
        Json, Notification, NotificationId, PushSubscriptionId, PushTag, Timestamp,
        push::{PushTarget, PushText, Urgency},
    },
    store::messages::{ClaimedPush, PushClaim},
};

pub fn claimed() -> ClaimedPush {
    let id = NotificationId::generate();
    let at = Timestamp::from_secs(1_790_000_000);
    let tag = PushTag::of(&id, None);
    ClaimedPush {
        claim: PushClaim {
            user: "alice".parse().unwrap(),
            subscription: PushSubscriptionId::generate(),
            jobs: Vec::new(),
            told: Vec::new(),
        },
        target: PushTarget {
            endpoint: "https://web.push.apple.com/x".to_owned(),
            p256dh: "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
                .to_owned(),
            auth: "BTBZMqHH6r4Tts7J_aSIgg".to_owned(),
        },
        notification: Notification {
            id,
            position: "k3x9q2ab.42".parse().unwrap(),
            notification_type: "comment.created".parse().unwrap(),
            v: 1,
            payload: Json::parse("{}").unwrap(),
            key: None,
            created_at: at,
            expires_at: None,
            seen_at: None,
            read_at: None,
            archived_at: None,
            muted: false,
        },
        count: 1,
        text: PushText {
            title: "Ada commented".to_owned(),
            body: Some("Well done".to_owned()),
            url: Some("/orders/1".to_owned()),
        },
        urgency: Urgency::Normal,
        tag,
        unseen: 3,
        close: Default::default(),
        expires_at: None,
        attempt: 1,
        first_tried_at: at,
    }
}

//! What people say in a drill, for messages that a scenario only counts.

use super::random::Random;

const PLACES: [&str; 12] = [
    "朝凪橋",
    "北地区の県道",
    "朝凪小学校",
    "南港の岸壁",
    "中央公民館",
    "市民体育館",
    "上流の水門",
    "駅前の交差点",
    "谷川沿いの市道",
    "浄水場",
    "西の団地",
    "老人福祉センター",
];

const STATES: [&str; 14] = [
    "の停電は続いています。復旧の見込みは立っていません。",
    "で断水が発生しています。給水車を1台お願いします。",
    "を確認しました。大きな被害は見当たりません。",
    "に避難者が集まり始めています。毛布が足りません。",
    "の通行止めを継続します。迂回路の案内板を置きました。",
    "で倒木を確認。撤去には重機が必要です。",
    "の職員2名が到着しました。引き継ぎを始めます。",
    "から応援の要請がありました。どの班が向かえますか。",
    "の電話がつながりません。現地に人を出します。",
    "の水位が下がり始めました。監視を続けます。",
    "で負傷者1名。救急へ連絡済みです。",
    "の点検が終わりました。異常ありません。",
    "の発電機の燃料は残り6時間分です。",
    "で土のうが不足しています。資材置き場から50袋運びます。",
];

const ENDINGS: [&str; 6] = [
    "",
    " 了解したら返信をお願いします。",
    " 続報は30分後に入れます。",
    " 写真は後ほど共有します。",
    " 未確認の情報を含みます。",
    " 班長へは連絡済みです。",
];

/// A report of 20 to 60 characters.
pub(crate) fn report(random: &mut Random) -> String {
    let pick = |list: &[&'static str], random: &mut Random| random.pick(list).copied().unwrap_or_default();
    format!(
        "{}{}{}({}番)",
        pick(&PLACES, random),
        pick(&STATES, random),
        pick(&ENDINGS, random),
        random.between(1, 9_999)
    )
}

/// A name, topic or purpose for a room.
pub(crate) fn heading(random: &mut Random) -> String {
    format!("{}の対応 第{}報", random.pick(&PLACES).copied().unwrap_or_default(), random.between(1, 99))
}

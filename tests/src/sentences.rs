//! Japanese messages of 20 to 120 characters as a disaster brings them, the same for the same number.

const PLACES: &[&str] = &[
    "朝凪小学校体育館",
    "南浜公民館",
    "北部コミュニティセンター",
    "三ツ沢バス停付近",
    "北浜アンダーパス",
    "朝凪橋東詰",
    "市道12号",
    "県道の法面",
    "中央配水池",
    "三ツ沢ポンプ場",
    "漁港西防波堤",
    "南支所の車庫",
    "本庁3階会議室",
    "消防本部の指令室",
    "西町の用水路",
    "旧役場跡地",
    "ふれあいセンター",
    "東中学校の校庭",
    "港の共同倉庫",
    "山手団地の集会所",
];
const EVENTS: &[&str] = &[
    "停電しています",
    "断水の連絡がありました",
    "避難者が増えています",
    "通行止めにしました",
    "水位が上がっています",
    "けが人はいません",
    "倒木が道をふさいでいます",
    "復旧の見込みは立っていません",
    "物資が届きました",
    "毛布が足りません",
    "土のうを積み終えました",
    "電話がつながりにくくなっています",
    "巡回を終えました",
    "応援の職員が到着しました",
    "発電機の燃料は残り半分です",
    "要配慮者の方が二名いらっしゃいます",
    "道路の冠水は引き始めています",
    "自主避難の受け入れを始めました",
    "写真を撮って送ります",
    "住民の方から問い合わせが続いています",
];
const REQUESTS: &[&str] = &[
    "確認をお願いします。",
    "本部の判断をお願いします。",
    "折り返し連絡してください。",
    "30分後にもう一度報告します。",
    "応援を二名お願いします。",
    "近づかないよう伝えてください。",
    "県への報告に入れてください。",
    "広報の文案を見てください。",
    "次の巡回で見てきます。",
    "念のため共有します。",
];
const COUNTED: &[&str] = &["名", "世帯", "枚", "台", "か所", "リットル"];

/// A deterministic generator; good enough to mix phrases.
#[derive(Debug, Clone)]
pub struct Sentences(u64);

impl Sentences {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn below(&mut self, count: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        ((self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize) % count
    }

    /// The next message: a place, what happens, often a number with its time, sometimes more.
    pub fn message(&mut self) -> String {
        let mut text = format!("{}、{}。", PLACES[self.below(PLACES.len())], EVENTS[self.below(EVENTS.len())]);
        for _ in 0..self.below(3) {
            text.push_str(EVENTS[self.below(EVENTS.len())]);
            text.push('。');
        }
        if self.below(2) == 0 {
            let (count, unit) = (self.below(200), COUNTED[self.below(COUNTED.len())]);
            text.push_str(&format!("{count}{unit}（{:02}:{:02}時点）。", self.below(24), self.below(60)));
        }
        text.push_str(REQUESTS[self.below(REQUESTS.len())]);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_have_20_to_120_characters_and_differ() {
        let mut sentences = Sentences::new(1);
        let messages: Vec<String> = (0..2_000).map(|_| sentences.message()).collect();
        assert!(messages.iter().all(|text| (18..=125).contains(&text.chars().count())));
        let distinct: std::collections::BTreeSet<&String> = messages.iter().collect();
        assert!(distinct.len() > 1_900);
    }
}

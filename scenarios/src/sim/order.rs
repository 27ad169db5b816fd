//! Gives all entries and registers of a node to an empty database of the same node, in random order.

use noroshi_node::store::Database;
use noroshi_sync::register::VerifiedRegister;
use noroshi_sync::store::{Batch, Store, StoreError, WindowOutcome};
use noroshi_sync::window::VerifiedWindow;

use super::entries::{LogRead, read_log};
use super::node::Node;
use super::random::Random;
use super::world::rooms_shared;

/// Windows given in one transaction, at most.
const BATCH_MAX: u64 = 16;

/// A database that got everything `node` has, in an order that chance chose.
pub(crate) fn rebuild_in_any_order(node: &mut Node, random: &mut Random) -> Result<Database, StoreError> {
    let (mut windows, registers) = everything(node.database()?)?;
    let (mut database, _projection) = node.twin()?;
    random.shuffle(&mut windows);
    // What cannot be judged before something else is known is offered again, as a peer would.
    while !windows.is_empty() {
        let waiting = windows.len();
        let mut refused = Vec::new();
        while !windows.is_empty() {
            let count = usize::try_from(random.between(1, BATCH_MAX)).unwrap_or(1).min(windows.len());
            let batch: Vec<VerifiedWindow> = windows.drain(..count).collect();
            refused.extend(apply(&mut database, batch, registers_for(&registers, random))?);
        }
        if refused.len() == waiting {
            return Err(StoreError::Damaged(format!("{waiting} windows of this node's own are refused for ever")));
        }
        windows = refused;
        random.shuffle(&mut windows);
    }
    apply(&mut database, Vec::new(), registers)?;
    Ok(database)
}

fn everything(database: &Database) -> Result<(Vec<VerifiedWindow>, Vec<VerifiedRegister>), StoreError> {
    let me = database.node();
    let mut windows = Vec::new();
    let mut registers = Vec::new();
    for room in rooms_shared(database, &me)?.into_keys() {
        for (log, state) in database.frontier(&room)? {
            if let LogRead::Windows(of_log) = read_log(database, &log, state.last())? {
                windows.extend(of_log);
            }
        }
        for register in database.registers_of(&room)? {
            let signed = database.signed_register(&room, &register.node)?;
            let verified = signed.map(|signed| signed.verify()).transpose();
            registers.extend(verified.map_err(|malformed| StoreError::Damaged(malformed.to_string()))?);
        }
    }
    Ok((windows, registers))
}

/// A few of the registers, which come at any time.
fn registers_for(registers: &[VerifiedRegister], random: &mut Random) -> Vec<VerifiedRegister> {
    if random.chance(0.2) { random.pick(registers).cloned().into_iter().collect() } else { Vec::new() }
}

/// The windows that were refused.
fn apply(
    database: &mut Database,
    windows: Vec<VerifiedWindow>,
    registers: Vec<VerifiedRegister>,
) -> Result<Vec<VerifiedWindow>, StoreError> {
    let peer = database.node();
    let applied = database.apply(Batch { peer, windows: windows.clone(), registers, cursor: None })?;
    let refused = windows.into_iter().zip(&applied.windows);
    Ok(refused
        .filter(|(_, outcome)| matches!(outcome, WindowOutcome::Refused { .. }))
        .map(|(window, _)| window)
        .collect())
}

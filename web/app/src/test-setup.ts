// Gives every test a fresh IndexedDB; happy-dom has none.
import 'fake-indexeddb/auto';

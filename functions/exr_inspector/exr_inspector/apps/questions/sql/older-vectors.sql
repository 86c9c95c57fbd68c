-- Which files should be inspected again after an upgrade?
--
-- Find rows with an older vector version than the newest in the table. Only vectors of the same version are comparable.
SELECT inspector_version, embedding_version, count(*) AS files
FROM files
WHERE embedding_version < (SELECT max(embedding_version) FROM files)
GROUP BY 1, 2
ORDER BY 1, 2
